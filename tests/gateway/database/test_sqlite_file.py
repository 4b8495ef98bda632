"""A SQLite file: how it is opened, who owns it, what its errors mean."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from gateway.database.protocol import Unfit
from gateway.database.sqlite_file import connect, dialect, execute, is_down, is_full, own


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    made = connect(tmp_path / "a.db", cache=1024, pages=20)
    made.execute("CREATE TABLE things (id TEXT PRIMARY KEY, data BLOB)")
    return made


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("cache_size", -1024), ("max_page_count", 20), ("mmap_size", 0)],
)
def test_it_is_opened_so_that_commits_last(connection, pragma, value) -> None:
    assert connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_a_reader_cannot_write(tmp_path, connection) -> None:
    reader = connect(tmp_path / "a.db", cache=1024, reads=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly") as refused:
        reader.execute("DELETE FROM things")
    assert is_down(refused.value)


def test_a_place_that_keeps_no_log_is_refused() -> None:
    with pytest.raises(Unfit, match="cannot keep a write-ahead log"):
        connect(Path(":memory:"), cache=1024)


def test_parameters_are_numbered_as_they_are() -> None:
    assert dialect("UPDATE a SET b = $2, c = $11 WHERE id = $1").text == "UPDATE a SET b = ?2, c = ?11 WHERE id = ?1"


def test_the_time_is_a_parameter_after_the_others() -> None:
    said = dialect("UPDATE a SET b = {now} + $2 WHERE id = $1 AND c < {now}")
    assert said.text == "UPDATE a SET b = ?3 + ?2 WHERE id = ?1 AND c < ?3"
    assert said.timed


def test_a_file_of_one_process_has_no_locks_to_skip() -> None:
    assert dialect("SELECT id FROM a {skip_locked}").text.strip() == "SELECT id FROM a"


@pytest.mark.parametrize(
    ("statement", "counted"),
    [
        ("UPDATE things SET data = $2 WHERE id = $1 RETURNING $1", True),
        ("UPDATE things SET data = $2 WHERE id = $1 RETURNING id", True),
        ("UPDATE things SET data = $2 WHERE id = $1 RETURNING id, data", False),
        ("UPDATE things SET data = $2 WHERE id = $1", False),
        ("SELECT id FROM things WHERE id = $1", False),
    ],
)
def test_rows_that_say_only_which_they_are_are_counted_instead(connection, statement, counted) -> None:
    cursor = connection.cursor()
    execute(cursor, "INSERT INTO things VALUES ($1, $2)", ("a", b"x"), 0.0)
    assert dialect(statement).counted is counted

    values = ("a", b"y") if "$2" in statement else ("a",)
    rows = execute(cursor, statement, values, 0.0)
    assert [row[0] for row in rows] == ([] if statement.endswith("id = $1") and "SELECT" not in statement else ["a"])


def test_the_errors_of_a_statement_are_told_from_those_of_the_database(connection) -> None:
    refused = ["INSERT INTO things VALUES (NULL), (1)", "INSERT INTO nowhere VALUES (1)", "nonsense"]
    for statement in refused:
        with pytest.raises(sqlite3.Error) as error:
            connection.execute(statement)
        assert not is_down(error.value)
        assert not is_full(error.value)

    with pytest.raises(sqlite3.OperationalError) as error:
        connection.execute("INSERT INTO things VALUES ('a', ?)", (bytes(1 << 20),))
    assert is_down(error.value)
    assert is_full(error.value)
    assert not is_down(sqlite3.ProgrammingError("of the module, which has no code"))


def test_a_file_has_one_owner(tmp_path) -> None:
    first = own(tmp_path / "a.db")
    with pytest.raises(Unfit, match=r"^another gateway uses the database .*a\.db: "):
        own(tmp_path / "a.db")
    os.close(first)
    os.close(own(tmp_path / "a.db"))
