"""The audit trail's tables: the same in both engines, added to only, and reached from a database that is older."""

from __future__ import annotations

import sqlite3

import asyncpg
import pytest

from gateway.database.schema import REVISIONS, statements

COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'payguard' AND table_name LIKE 'audit%'
"""
TABLES = ("audit", "audit_seals")


async def test_both_engines_have_the_same_tables(sqlite_path, postgres, postgres_url) -> None:
    there = {tuple(row) for row in await postgres.run(COLUMNS, database=postgres_url.rpartition("/")[2])}
    connection = sqlite3.connect(sqlite_path)
    here = {(table, row[1]) for table in TABLES for row in connection.execute(f"PRAGMA table_info({table})")}

    assert here == there
    assert {name for table, name in here if table == "audit"} == {"writer", "seq", "hash", "entry"}


async def test_a_person_on_the_server_cannot_empty_them_by_mistake_from_whatever_schema(postgres, postgres_url) -> None:
    name = postgres_url.rpartition("/")[2]
    await postgres.run("INSERT INTO payguard.audit VALUES ('w', 1, 'hash', '{}')", database=name)
    for statement in (
        "TRUNCATE payguard.audit",
        "TRUNCATE payguard.audit_seals",
        "DELETE FROM payguard.audit",
        "UPDATE payguard.audit SET entry = ''",
    ):
        with pytest.raises(asyncpg.RaiseError, match="only added to"):
            await postgres.run(statement, database=name)


def test_a_database_with_blocks_gains_them_and_keeps_those() -> None:
    connection = sqlite3.connect(":memory:")
    before, _, _ = statements("sqlite", None).partition("CREATE TABLE audit")
    connection.executescript(before.rpartition(";")[0] + ";")
    connection.execute("INSERT INTO blocks VALUES ('ip:1', 'ada', 'scans', 1, 2)")
    connection.commit()
    newer = statements("sqlite", REVISIONS[REVISIONS.index("0004") - 1])
    connection.executescript(newer)

    assert "CREATE TABLE payments" not in newer
    assert connection.execute("SELECT id FROM blocks").fetchall() == [("ip:1",)]
    assert [connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone() for table in TABLES] == [(0,), (0,)]
