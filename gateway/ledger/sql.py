"""The ledger on a database: one statement for each change."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Generator, Mapping, Sequence
from typing import Any

import orjson

from gateway.database.protocol import Database, Row
from gateway.ids import payment_id
from gateway.ledger import statements as sql
from gateway.ledger.records import Change, Entry, Query, Record, Settlement, State

OPEN = (State.ACCEPTED, State.HELD, State.RESERVED, State.SENT, State.PENDING, State.IN_DOUBT, State.UNRESOLVED)

MOST_LISTED = 500


_WORDS = {state: state.value for state in State}
_LINES = {state: f',"state":"{state.value}","by":"gateway"}}\n' for state in State}


class _Done:
    """Whether a statement changed anything, once it is committed."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Future[list[Row]]) -> None:
        self._rows = rows

    def __await__(self) -> Generator[Any, None, bool]:
        return bool((yield from self._rows.__await__()))


class SqlLedger:
    """A Ledger on ``database``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._write = database.write

    # what the owner of a claim does

    def reserve(self, entry: Entry, lease: float) -> Awaitable[bool]:
        return _Done(self._write(sql.RESERVE, *_values(entry), lease, lock=entry.claim or b""))

    def begin(self, entry: Entry, lease: float, request: bytes | None = None) -> Awaitable[bool]:
        return _Done(self._write(sql.BEGIN, *_values(entry), lease, request, lock=entry.claim or b""))

    def reserve_again(self, id: str, epoch: int, entry: Entry, lease: float) -> Awaitable[bool]:  # noqa: A002
        return _Done(self._write(sql.RESERVE_AGAIN, id, epoch, entry.request_id, entry.trace_id, entry.policy, lease))

    def send(self, id: str, epoch: int, lease: float, request: bytes | None = None) -> Awaitable[bool]:  # noqa: A002
        return _Done(self._write(sql.SEND, id, epoch, lease, request))

    def settle(self, id: str, epoch: int, settlement: Settlement) -> Awaitable[bool]:  # noqa: A002
        state, trail = settlement.state, settlement.trail
        line = (
            f',"state":"{state}","by":"gateway","reason":{_json(settlement.reason)}}}\n'
            if settlement.reason
            else _LINES[state]
        )
        given = (
            id,
            epoch,
            _WORDS[state],
            settlement.reason,
            settlement.delivery,
            settlement.attempts,
            settlement.status,
            settlement.answer,
            None if trail is None else trail.decode(),
            line,
        )
        if state in sql.DUE:
            return _Done(self._write(sql.SETTLE[state], *given, settlement.due_in))
        return _Done(self._write(sql.SETTLE[state], *given))

    def accept(
        self,
        id: str,  # noqa: A002
        epoch: int,
        request: bytes,
        trail: bytes,
        *,
        most: int,
        ceiling: int,
        within: float,
    ) -> Awaitable[bool]:
        return _Done(self._write(sql.ACCEPT, id, epoch, request, trail.decode(), most, ceiling, within))

    # what recovery, the drainer and people do

    def resolve(
        self,
        id: str,  # noqa: A002
        revision: int,
        state: State,
        *,
        by: str,
        reason: str,
        trail: bytes | None = None,
        due_in: float | None = None,
    ) -> Awaitable[bool]:
        said = None if trail is None else trail.decode()
        inside = _json(by)[1:-1]
        return _Done(self._write(sql.RESOLVE, id, revision, state.value, reason, _json(reason), inside, said, due_in))

    def postpone(self, id: str, revision: int, due_in: float, trail: bytes | None = None) -> Awaitable[bool]:  # noqa: A002
        return _Done(self._write(sql.POSTPONE, id, revision, due_in, None if trail is None else trail.decode()))

    async def resend(self, id: str, revision: int, lease: float) -> int | None:  # noqa: A002
        rows = await self._write(sql.RESEND, id, revision, lease)
        return rows[0][1] if rows else None

    async def take_due(self, limit: int, lease: float) -> Sequence[Record]:
        return await self._take(sql.TAKE_DUE, limit, lease)

    async def take_accepted(self, limit: int, lease: float) -> Sequence[Record]:
        return await self._take(sql.TAKE_ACCEPTED, limit, lease)

    async def _take(self, statement: str, limit: int, lease: float) -> Sequence[Record]:
        rows = await self._write(statement, payment_id(), limit, lease)
        return sorted((_record(row[1:]) for row in rows), key=lambda record: record.id)

    async def free_expired(self, limit: int) -> int:
        return len(await self._write(sql.FREE_EXPIRED, payment_id(), limit))

    async def expire_accepted(self, limit: int) -> Sequence[str]:
        return [row[1] for row in await self._write(sql.EXPIRE_ACCEPTED, payment_id(), limit)]

    async def prune(self, limit: int) -> int:
        return len(await self._write(sql.PRUNE, payment_id(), limit))

    # what everybody may ask

    async def find(self, id: str) -> Record | None:  # noqa: A002
        return _only(await self._database.read(sql.FIND, id))

    async def find_claim(self, claim: bytes) -> Record | None:
        return _only(await self._database.read(sql.FIND_CLAIM, claim))

    async def find_request(self, request_id: str) -> Record | None:
        return _only(await self._database.read(sql.FIND_REQUEST, request_id))

    async def list(self, query: Query) -> Sequence[Record]:
        conditions, values = _conditions(query)
        statement = sql.LIST.replace("{conditions}", " AND ".join(conditions) or "1 = 1")
        limit = max(1, min(query.limit, MOST_LISTED))
        rows = await self._database.read(statement.replace("{limit}", str(limit)), *values)
        return [_record(row) for row in rows]

    async def counts(self) -> Mapping[State, int]:
        found = {row[0]: row[1] for row in await self._database.read(sql.COUNTS)}
        return {state: found.get(state.value, 0) for state in OPEN}

    async def ages(self) -> Mapping[State, float]:
        found = {row[0]: row[2] for row in await self._database.read(sql.COUNTS)}
        return {state: max(0.0, found.get(state.value, 0.0)) for state in OPEN}

    async def now(self) -> float:
        """The database's clock."""
        return float((await self._database.read(sql.NOW))[0][0])


def _values(entry: Entry) -> tuple[Any, ...]:
    return (
        entry.id,
        entry.route,
        entry.operation,
        entry.upstream,
        entry.request_id,
        entry.trace_id,
        entry.policy,
        entry.keep,
        entry.owner,
        entry.claim,
        entry.fingerprint,
        entry.amount,
        entry.currency,
        entry.customer,
        entry.card,
        entry.link_kind,
        entry.link_id,
    )


def _json(text: str) -> str:
    return orjson.dumps(text).decode()


def _only(rows: Sequence[Row]) -> Record | None:
    return _record(rows[0]) if rows else None


def _record(row: Row) -> Record:
    given = dict(zip(sql.COLUMNS, row, strict=False))
    given["state"] = State(given["state"])
    if len(row) == len(sql.COLUMNS):
        return Record(**given)
    history, trail, request, answer = row[len(sql.COLUMNS) :]
    return Record(
        **given,
        history=[_change(line) for line in history.splitlines()],
        trail=orjson.loads(trail) if trail else {},
        request=request,
        answer=answer,
    )


def _change(line: str) -> Change:
    said = orjson.loads(line)
    return Change(said["at"], State(said["state"]), said["by"], said.get("reason", ""))


def _conditions(query: Query) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []

    def add(condition: str, *given: Any) -> None:
        places = []
        for value in given:
            values.append(value)
            places.append(f"${len(values)}")
        conditions.append(condition.format(*places, now="{now}"))

    def among(column: str, given: Sequence[str]) -> None:
        add(f"{column} IN ({', '.join('{}' for _ in given)})", *given)

    if query.states:
        among("state", [state.value for state in query.states])
    if query.customers:
        among("customer", query.customers)
    for column in ("route", "owner", "claim", "request_id", "currency"):
        if (value := getattr(query, column)) is not None:
            add(f"{column} = {{}}", value)
    if query.least is not None:
        add("amount >= {}", query.least)
    if query.most is not None:
        add("amount <= {}", query.most)
    if query.older_than is not None:
        add("created_at <= {now} - CAST({} AS DOUBLE PRECISION)", query.older_than)
    if query.cursor is not None:
        add("id < {}", query.cursor)
    return conditions, values
