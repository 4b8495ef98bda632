"""The statements of schedules: each finds its rows by an index, on both engines, and can be told from its like."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateway.database.protocol import Database
from gateway.database.statement import tells_itself
from gateway.ledger import schedule_statements as sql
from gateway.ledger import statements as payments
from tests.gateway.ledger.test_statements import ENTRY, FILL, Plan, explainer

ROWS = 20_000

PLANS = f"""
INSERT INTO retries (payment, state, reason, epoch, route, reference, method, code, number, declined, missed, attempt,
  keep, created_at, until_at, due_at, gone_at, history)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}),
  p(i, live) AS (SELECT i, i % 100 = 0 FROM n)
SELECT CAST(100000 + i AS TEXT), CASE WHEN live THEN 'waiting' ELSE 'ended' END, '', 1, 'a',
  CAST('r' || i AS {{bytes}}),
  CAST('m' || (i % 5000) AS {{bytes}}), '', 1, 1, 0, 'a' || i, 1, i, 9e9 + i, CASE WHEN live THEN 9e9 + i END,
  CASE WHEN live THEN NULL ELSE 9e9 + i END, ''
FROM p
"""

NAMED = (
    "UPDATE payments SET reference = CAST('r' || amount AS {bytes}), method = CAST('m' || (amount % 5000) AS {bytes})"
)

BY_PAYMENT = "retries_pkey|sqlite_autoindex_retries_1|retries_open"
OPEN = "(state = 'waiting' OR state = 'attempting') AND due_at IS NOT NULL"
CALLS: dict[str, tuple[str, tuple[Any, ...], str]] = {
    "add": (sql.ADD, ("new", "a", "o", b"new", b"m", 5, "eur", "c", 5.0, b"s", 5.0, 9.0, '"c"'), ""),
    "displace": (sql.DISPLACE, (b"r100", "new", "why", '"why"'), "retries_reference"),
    "condemn": (sql.CONDEMN, (b"m100", "new", "why", '"why"'), "retries_method"),
    "cancel": (sql.CANCEL, ("100100", "ada", '"why"'), BY_PAYMENT),
    "take": (sql.TAKE, ("run", 10, 5.0), "retries_due"),
    "begin": (sql.BEGIN, ("100100", 1, "new", 5.0, '"new"'), BY_PAYMENT),
    "attempt": (sql.ATTEMPT, (*ENTRY[:16], "100100", 5.0, 1, 9, 9), "payments_(referred|method)"),
    "counted": (sql.COUNTED, (b"r100", b"m100"), "payments_(referred|method)"),
    "declined": (sql.DECLINED, ("100100", "a100", 5.0, '"c"', "c"), BY_PAYMENT),
    "not executed": (sql.NOT_EXECUTED, ("100100", "a100", 5.0, '"c"'), BY_PAYMENT),
    "end": (sql.END, ("100100", "a100", "why", '"why"'), BY_PAYMENT),
    "give up": (sql.GIVE_UP, ("100100", 1, "why", '"why"'), BY_PAYMENT),
    "postpone": (sql.POSTPONE, ("100100", 1, 5.0), BY_PAYMENT),
    "expire": (sql.EXPIRE, ("run", 10, '"expired"'), "retries_due"),
    "prune": (sql.PRUNE, ("run", 10), "retries_gone"),
    "find": (sql.FIND, ("100100",), BY_PAYMENT),
    "list": (sql.LIST.replace("{states}", OPEN).replace("{limit}", "50"), ("~",), "retries_open"),
    "counts": (sql.COUNTS, (), "retries_(due|reference|method|open)"),
    "reserve of a reference": (payments.RESERVE_REFERRING, (*ENTRY, b"new", b"m"), ""),
    "begin of a reference": (payments.BEGIN_REFERRING, (*ENTRY, b"request", b"new", b"m"), ""),
    "find by reference": (payments.FIND_REFERENCE, (b"r100",), "payments_reference"),
    "linked": (payments.FIND_LINKED, ("100100",), "payments_link"),
    "prune payments": (payments.PRUNE, ("run", 10), "payments_gone"),
    "reserve again": (payments.RESERVE_AGAIN, ("100005", 1, "r", "t", "p", 5.0), "payments_refer"),
}


@pytest.fixture
async def plan(engine: str, url: str, database: Database) -> Plan:
    """How the engine would carry a statement out, among many rows."""
    kind = "BLOB" if engine == "sqlite" else "BYTEA"
    for each in (FILL, NAMED, PLANS):
        await database.write(each.format(bytes=kind))
    return await explainer(engine, url, database, "payments", "retries")


async def test_each_finds_its_rows_by_an_index(plan: Plan) -> None:
    for name, (statement, values, index) in CALLS.items():
        told = await plan(statement, values)

        assert re.search(index, told), f"{name}\n{told}"
        scans = re.sub(r"SCAN (picked|CONSTANT.*|\d+ CONSTANT.*)", "", told)
        assert not re.search(r"Seq Scan on (payments|retries)|SCAN \w+(?! USING| CONSTANT|\w)", scans), (
            f"{name}\n{told}"
        )


@pytest.mark.parametrize("name", CALLS)
def test_what_writes_tells_its_executions_apart(name: str) -> None:
    statement = CALLS[name][0]

    assert "RETURNING" not in statement or tells_itself(statement)
