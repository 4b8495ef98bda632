"""The tables of fraud scoring: the same in both engines, and reached from a database that is older."""

from __future__ import annotations

import sqlite3

import pytest

from gateway.database.schema import REVISIONS, statements

COLUMNS = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'payguard'"
TABLES = ("decisions", "fraud_lists", "fraud_labels", "fraud_matured")


async def test_both_engines_have_the_same_tables(sqlite_path, postgres, postgres_url) -> None:
    connection = sqlite3.connect(sqlite_path)
    rows = await postgres.run(COLUMNS, database=postgres_url.rpartition("/")[2])

    for table in TABLES:
        here = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        assert here == {column for name, column in rows if name == table} != set()


def test_an_older_database_gains_them_and_the_mark_that_nothing_has_counted_yet() -> None:
    connection = sqlite3.connect(":memory:")
    everything, newer = (statements("sqlite", version) for version in (None, REVISIONS[REVISIONS.index("0007") - 1]))
    connection.executescript(everything.partition("CREATE TABLE decisions")[0].rpartition(";")[0] + ";")
    connection.executescript(newer)

    assert "CREATE TABLE payments" not in newer
    assert connection.execute("SELECT until FROM fraud_matured").fetchall() == [("",)]
    connection.execute("INSERT INTO fraud_labels VALUES ('p', 1, 'bank', 0, 'ann', 0)")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO fraud_labels VALUES ('p', 0, 'bank', 0, 'ann', 0)")
