"""The statements: each finds its rows by an index, on both engines."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from gateway.database.postgres_writer import dialect as in_postgres
from gateway.database.protocol import Database
from gateway.database.sqlite_file import dialect as in_sqlite
from gateway.database.statement import tells_itself
from gateway.ledger import statements as sql
from gateway.ledger.listing import first_looked_at, search
from gateway.ledger.records import Query, State

ROWS = 20_000

FILL = f"""
INSERT INTO payments (id, route, operation, upstream, request_id, trace_id, policy, keep, owner, claim, fingerprint,
  amount, currency, customer, state, epoch, revision, created_at, sent_at, lease_until, accepted_until, settled_at,
  gone_at, due_at, asked, attempts, reason, history)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}),
  p(i, state) AS (SELECT i, CASE i % 1000 WHEN 0 THEN 'in_doubt' WHEN 1 THEN 'pending' WHEN 2 THEN 'accepted'
    WHEN 3 THEN 'sent' WHEN 4 THEN 'reserved' ELSE 'succeeded' END FROM n)
SELECT CAST(100000 + i AS TEXT), 'a', 'payment.create', 'b', 'r' || i, 't', 'p', 1000, 'o' || (i % 50),
  CAST('c' || i AS {{bytes}}), 'f', i, 'eur', 'c' || (i % 5000), state, 1, 1, i, i, i,
  CASE state WHEN 'accepted' THEN 9e9 END, CASE state WHEN 'succeeded' THEN i END,
  CASE state WHEN 'succeeded' THEN 9e9 + i END, CASE state WHEN 'succeeded' THEN NULL ELSE 9e9 + i END, 0, 1, '', ''
FROM p
"""

ENTRY = ("new", "a", "o", "b", "r", "t", "p", 5.0, "o", b"new", "f", 5, "eur", "c", None, None, None, 5.0)
SETTLED = ("100005", 1, "succeeded", "", "answered", 1, 200, b"", "{}", "}")
ID, CLAIM = "id", "payments_claim"

CALLS: dict[str, tuple[str, tuple[Any, ...], str]] = {
    "reserve": (sql.RESERVE, ENTRY, ""),
    "begin": (sql.BEGIN, (*ENTRY, b"request"), ""),
    "reserve again": (sql.RESERVE_AGAIN, ("100005", 1, "r", "t", "p", 5.0), ID),
    "send": (sql.SEND, ("100005", 1, 5.0, None), ID),
    **{f"settle {to}": (text, (*SETTLED, 5.0)[: 11 if to in sql.DUE else 10], ID) for to, text in sql.SETTLE.items()},
    "resolve": (sql.RESOLVE, ("100005", 1, "failed", "", '""', "test", None, None), ID),
    "postpone": (sql.POSTPONE, ("100005", 1, 5.0, None), ID),
    "resend": (sql.RESEND, ("100005", 1, 5.0), ID),
    "accept": (sql.ACCEPT, ("100005", 1, b"", "{}", 5, 5, 5.0), "payments_open"),
    "expire accepted": (sql.EXPIRE_ACCEPTED, ("run", 10), "payments_due|payments_open"),
    "take accepted": (sql.TAKE_ACCEPTED, ("run", 10, 5.0), "payments_waiting"),
    "take due": (sql.TAKE_DUE, ("run", 10, 5.0), "payments_due"),
    "free expired": (sql.FREE_EXPIRED, ("run", 10), "payments_due"),
    "prune": (sql.PRUNE, ("run", 10), "payments_gone"),
    "find": (sql.FIND, ("100005",), ID),
    "find claim": (sql.FIND_CLAIM, (b"c5",), CLAIM),
    "find request": (sql.FIND_REQUEST, ("r5",), "payments_request"),
    "counts": (sql.COUNTS, (), "payments_open"),
}


def _listed(index: str, **asked: Any) -> tuple[str, tuple[Any, ...], str]:
    statement, values, bounded = search(Query(**asked), 1e9)
    return statement, (*values, "119000") if bounded else values, index


CALLS |= {
    "list": _listed(ID),
    "list after": _listed(ID, cursor="110000"),
    "list by age": _listed(ID, older_than=5.0),
    "list by state": _listed("payments_open", states=[State.IN_DOUBT]),
    "list by states": _listed("payments_open", states=[State.IN_DOUBT, State.UNRESOLVED, State.SENT]),
    "list what is sent": _listed("payments_due", states=[State.SENT]),
    "list by customer": _listed(ID, customers=["c5", "d5"]),
    "list by claim": _listed(CLAIM, claim=b"c5", owner="o"),
    "list by request": _listed("payments_request", request_id="r5"),
    "list by route": _listed(ID, route="rare"),
    "list by owner and amount": _listed(ID, owner="o5", least=5, most=9),
    "list what failed": _listed(ID, states=[State.FAILED], cursor="119900"),
    "first looked at": (*first_looked_at(Query(cursor="110000"), 1e9)[:2], ID),
}

Plan = Callable[[str, tuple[Any, ...]], Awaitable[str]]


@pytest.fixture
async def plan(engine: str, url: str, database: Database) -> Plan:
    """How the engine would carry a statement out, among many rows."""
    await database.write(FILL.format(bytes="BLOB" if engine == "sqlite" else "BYTEA"))
    return await explainer(engine, url, database, "payments")


async def explainer(engine: str, url: str, database: Database, *tables: str) -> Plan:
    """Of a database whose tables are filled: the engine is to know how much is in them."""
    if engine == "sqlite":

        async def explained(statement: str, values: tuple[Any, ...]) -> str:
            said = in_sqlite(statement)
            values = (*values, 1e9) if said.timed else values
            return "\n".join(row[3] for row in await database.read(f"EXPLAIN QUERY PLAN {said.text}", *values))
    else:
        connection = await asyncpg.connect(url, server_settings={"search_path": "payguard"})
        for table in tables:
            await connection.execute(f"ANALYZE {table}")
        await connection.close()

        async def explained(statement: str, values: tuple[Any, ...]) -> str:
            rows = await database.read(f"EXPLAIN {in_postgres(statement).text}", *values)
            return "\n".join(row[0] for row in rows)

    return explained


async def test_each_finds_its_rows_by_an_index(engine: str, plan: Plan) -> None:
    by_id = "payments_pkey" if engine == "postgres" else "sqlite_autoindex_payments_1"
    for name, (statement, values, index) in CALLS.items():
        told = await plan(statement, values)

        assert re.search(by_id if index == ID else index, told), f"{name}\n{told}"
        assert not re.search(r"Seq Scan on payments|SCAN \w+(?! USING| CONSTANT|\w)", _known(told)), f"{name}\n{told}"


def _known(plan: str) -> str:
    """Without what is no table of payments."""
    return re.sub(r"SCAN (picked|open|\(subquery.*|CONSTANT.*|\d+ CONSTANT.*)|.*Subquery Scan.*", "", plan)


@pytest.mark.parametrize("name", CALLS)
def test_what_writes_tells_its_executions_apart(name: str) -> None:
    statement = CALLS[name][0]

    assert "RETURNING" not in statement or tells_itself(statement)


@pytest.mark.parametrize("name", ["reserve", "begin", "send", "settle succeeded", "settle failed", "settle released"])
async def test_what_runs_for_each_payment_makes_no_table_of_its_own(name: str, engine: str, database: Database) -> None:
    """On SQLite, a list of more than two words behind IN is one, also in the condition of an index."""
    if engine == "sqlite":
        statement, values, _ = CALLS[name]
        said = in_sqlite(statement)
        steps = await database.read(f"EXPLAIN {said.text}", *values, *([1e9] if said.timed else []))
        assert not [row[1] for row in steps if row[1].startswith("Open") and "Write" not in row[1]]
