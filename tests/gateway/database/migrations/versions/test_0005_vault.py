"""The vault's table: the same in both engines, and a card has one row."""

from __future__ import annotations

import sqlite3

import pytest

from gateway.database.schema import REVISIONS, statements

COLUMNS = """
SELECT column_name FROM information_schema.columns WHERE table_schema = 'payguard' AND table_name = 'vault'
"""


async def test_both_engines_have_the_same_table(sqlite_path, postgres, postgres_url) -> None:
    there = {name for (name,) in await postgres.run(COLUMNS, database=postgres_url.rpartition("/")[2])}
    here = {row[1] for row in sqlite3.connect(sqlite_path).execute("PRAGMA table_info(vault)")}

    assert here == there
    assert here == {"id", "tenant", "card", "customer", "sealed", "key_id", "created_at", "expires_at"}


def test_a_card_has_one_row_and_what_has_no_card_any_number(sqlite_path) -> None:
    connection = sqlite3.connect(sqlite_path)
    insert = "INSERT INTO vault (id, tenant, card, sealed, key_id, created_at) VALUES (?, 'shop', ?, '', '', 0)"
    connection.executemany(insert, [("1", "card"), ("2", None), ("3", None)])
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(insert, ("4", "card"))


def test_a_database_of_the_revision_before_gains_it() -> None:
    newer = statements("sqlite", REVISIONS[REVISIONS.index("0005") - 1])
    assert "CREATE TABLE vault" in newer
    assert "CREATE TABLE payments" not in newer
