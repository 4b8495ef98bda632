"""The table of blocks: the same in both engines, and reached from a database that is older."""

from __future__ import annotations

import sqlite3

from gateway.database.schema import REVISIONS, statements

COLUMNS = """
SELECT column_name FROM information_schema.columns WHERE table_schema = 'payguard' AND table_name = 'blocks'
"""


async def test_both_engines_have_the_same_table(sqlite_path, postgres, postgres_url) -> None:
    there = {name for (name,) in await postgres.run(COLUMNS, database=postgres_url.rpartition("/")[2])}
    here = {row[1] for row in sqlite3.connect(sqlite_path).execute("PRAGMA table_info(blocks)")}

    assert here == there == {"id", "author", "reason", "created_at", "ends_at"}


def test_a_database_with_payments_gains_it_and_keeps_them() -> None:
    connection = sqlite3.connect(":memory:")
    everything = statements("sqlite", None)
    before, _, after = everything.partition("CREATE TABLE blocks")
    connection.executescript(before.rpartition(";")[0] + ";")
    connection.execute("INSERT INTO key_checks VALUES ('salt', '1', 'x')")
    connection.commit()
    newer = statements("sqlite", REVISIONS[REVISIONS.index("0003") - 1])
    connection.executescript(newer)

    assert "CREATE TABLE payments" not in newer
    assert after
    assert connection.execute("SELECT id FROM key_checks").fetchall() == [("1",)]
    assert connection.execute("SELECT COUNT(*) FROM blocks").fetchall() == [(0,)]
