"""The first schema: the same tables and columns in both engines."""

from __future__ import annotations

import sqlite3

COLUMNS = """
SELECT table_name, column_name, is_nullable FROM information_schema.columns WHERE table_schema = 'payguard'
"""


async def test_both_engines_have_the_same_columns(sqlite_path, postgres, postgres_url) -> None:
    there = {tuple(row) for row in await postgres.run(COLUMNS, database=postgres_url.rpartition("/")[2])}
    connection = sqlite3.connect(sqlite_path)
    here = {
        (table, name, "NO" if required else "YES")
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for _, name, _, required, _, _ in connection.execute(f"PRAGMA table_info({table})").fetchall()
    }
    assert here == there


async def test_both_engines_have_the_same_indexes(sqlite_path, postgres, postgres_url) -> None:
    asked = "SELECT indexname FROM pg_indexes WHERE schemaname = 'payguard' AND indexname LIKE 'payments%'"
    there = {name for (name,) in await postgres.run(asked, database=postgres_url.rpartition("/")[2])}
    asked = "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'payments%'"
    here = {name for (name,) in sqlite3.connect(sqlite_path).execute(asked)}

    assert there - {"payments_pkey"} == here
    assert "payments_claim" in here
