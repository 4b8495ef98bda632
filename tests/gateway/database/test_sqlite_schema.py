"""The schema of a SQLite file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.database import sqlite_schema
from gateway.database.protocol import SchemaMismatch
from gateway.database.schema import HEAD
from gateway.database.sqlite_file import connect
from gateway.database.sqlite_schema import bring_up, version


@pytest.fixture
def empty(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "a.db", cache=1024)


def tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_an_empty_file_has_no_version(empty) -> None:
    assert version(empty) is None


def test_it_is_brought_up_to_date_once(empty) -> None:
    assert bring_up(empty, "auto")
    assert version(empty) == HEAD
    assert {"payments", "key_checks", "schema_version"} <= tables(empty)
    assert not bring_up(empty, "auto")
    assert not bring_up(empty, "manual")


def test_only_a_person_changes_it_where_that_was_said(empty) -> None:
    with pytest.raises(SchemaMismatch):
        bring_up(empty, "manual")
    assert tables(empty) == set()


def test_a_migration_that_fails_leaves_nothing_behind(empty, monkeypatch) -> None:
    monkeypatch.setattr(sqlite_schema, "statements", lambda *_: "CREATE TABLE half (a); CREATE TABLE half (a);")
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        bring_up(empty, "auto")
    assert tables(empty) == set()
    assert not empty.in_transaction
