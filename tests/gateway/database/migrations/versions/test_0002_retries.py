"""The second schema: a ledger of the first is brought there with its payments, and both engines have the same."""

from __future__ import annotations

import sqlite3

from gateway.database.schema import HEAD, statements

FIRST = """
INSERT INTO payments (id, state, epoch, revision, route, operation, upstream, request_id, trace_id, policy, keep,
  created_at, asked, attempts, reason, history)
VALUES ('a', 'succeeded', 1, 1, 'pay', 'payment.create', 'b', 'r', 't', 'p', 1, 1, 0, 1, '', '')
"""


def test_a_ledger_with_payments_is_brought_up_to_date_and_keeps_them() -> None:
    connection = sqlite3.connect(":memory:")
    whole = statements("sqlite", None)
    first, second = whole.split("-- Running upgrade 0001 -> 0002")
    connection.executescript(first)
    connection.execute(FIRST)
    connection.commit()
    connection.executescript(second)

    assert connection.execute("SELECT id, reference, method FROM payments").fetchall() == [("a", None, None)]
    assert connection.execute("SELECT version_num FROM schema_version").fetchall() == [(HEAD,)]
    assert connection.execute("SELECT COUNT(*) FROM retries").fetchall() == [(0,)]


def test_the_statements_from_the_first_schema_are_those_of_this_one_alone() -> None:
    from_first = statements("postgresql", "0001")

    assert "CREATE TABLE retries" in from_first
    assert "ADD COLUMN reference BYTEA" in from_first
    assert "CREATE TABLE payments" not in from_first


async def test_both_engines_have_the_same_indexes(sqlite_path, postgres, postgres_url) -> None:
    asked = "SELECT indexname FROM pg_indexes WHERE schemaname = 'payguard' AND indexname LIKE 'retries%'"
    there = {name for (name,) in await postgres.run(asked, database=postgres_url.rpartition("/")[2])}
    asked = "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'retries%'"
    here = {name for (name,) in sqlite3.connect(sqlite_path).execute(asked)}

    assert there - {"retries_pkey"} == here
    assert "retries_due" in here
