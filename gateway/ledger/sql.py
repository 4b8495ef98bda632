"""The ledger on a database: one statement for each change."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Generator, Mapping, Sequence
from time import time
from typing import Any

import orjson

from gateway.database.protocol import Database, Row
from gateway.ids import payment_id
from gateway.ledger import statements as sql
from gateway.ledger.listing import first_looked_at, search
from gateway.ledger.records import Change, Entry, Page, Query, Record, ReferenceTaken, Settlement, State
from gateway.ledger.schedule_sql import SqlSchedules
from gateway.ledger.schedules import Schedules

OPEN = (State.ACCEPTED, State.HELD, State.RESERVED, State.SENT, State.PENDING, State.IN_DOUBT, State.UNRESOLVED)

_PLAIN = Entry._fields.index("reference")
"""Fields of an entry without those of a business reference."""

_WORDS = {state: state.value for state in State}
_LINES = {state: f',"state":"{state.value}","by":"gateway"}}\n' for state in State}


class _Done:
    """Whether a statement changed anything, once it is committed."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Future[list[Row]]) -> None:
        self._rows = rows

    def __await__(self) -> Generator[Any, None, bool]:
        return bool((yield from self._rows.__await__()))


class _Referring:
    """As ``_Done``, of a payment with a reference or a stored method; ReferenceTaken where a reference is another's."""

    __slots__ = ("_entry", "_ledger", "_rows")

    def __init__(self, ledger: SqlLedger, entry: Entry, rows: Future[list[Row]]) -> None:
        self._ledger = ledger
        self._entry = entry
        self._rows = rows

    def __await__(self) -> Generator[Any, None, bool]:
        return self._made().__await__()

    async def _made(self) -> bool:
        if await self._rows:
            return True
        claim, reference = self._entry.claim, self._entry.reference
        if reference is not None and (claim is None or await self._ledger.find_claim(claim) is None):
            holder = await self._ledger.find_reference(reference)
            if holder is not None:
                raise ReferenceTaken(holder)
        return False


class SqlLedger:
    """A Ledger on ``database``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._write = database.write
        self.schedules: Schedules = SqlSchedules(database)

    # what the owner of a claim does

    def reserve(self, entry: Entry, lease: float) -> Awaitable[bool]:
        lock = entry.reference or entry.claim or b""
        if entry.reference is not None or entry.method is not None:
            given = (*entry[:_PLAIN], lease, *entry[_PLAIN:])
            return _Referring(self, entry, self._write(sql.RESERVE_REFERRING, *given, lock=lock))
        return _Done(self._write(sql.RESERVE, *entry[:_PLAIN], lease, lock=lock))

    def begin(self, entry: Entry, lease: float, request: bytes | None = None) -> Awaitable[bool]:
        lock = entry.reference or entry.claim or b""
        if entry.reference is not None or entry.method is not None:
            given = (*entry[:_PLAIN], lease, request, *entry[_PLAIN:])
            return _Referring(self, entry, self._write(sql.BEGIN_REFERRING, *given, lock=lock))
        return _Done(self._write(sql.BEGIN, *entry[:_PLAIN], lease, request, lock=lock))

    def reserve_again(self, id: str, epoch: int, entry: Entry, lease: float) -> Awaitable[bool]:  # noqa: A002
        return _Done(self._write(sql.RESERVE_AGAIN, id, epoch, entry.request_id, entry.trace_id, entry.policy, lease))

    def send(self, id: str, epoch: int, lease: float, request: bytes | None = None) -> Awaitable[bool]:  # noqa: A002
        return _Done(self._write(sql.SEND, id, epoch, lease, request))

    def settle(self, id: str, epoch: int, settlement: Settlement) -> Awaitable[bool]:  # noqa: A002
        state, trail, reason = settlement.state, settlement.trail, settlement.reason
        line = _LINES[state]
        if reason:
            reason = _plain(reason)
            line = f',"state":"{state}","by":"gateway","reason":{_json(reason)}}}\n'
        given = (
            id,
            epoch,
            _WORDS[state],
            reason,
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

    def hold(
        self,
        id: str,  # noqa: A002
        epoch: int,
        request: bytes,
        trail: bytes,
        *,
        most: int,
        within: float,
        reason: str,
    ) -> Awaitable[bool]:
        said = trail.decode()
        return _Done(self._write(sql.HOLD, id, epoch, request, said, most, within, reason, _json(reason)))

    # what recovery, the drainer and people do

    def approve(self, id: str, revision: int, *, by: str, reason: str, within: float) -> Awaitable[bool]:  # noqa: A002
        inside, why = _json(_plain(by))[1:-1], _json(_plain(reason))
        return _Done(self._write(sql.APPROVE, id, revision, inside, why, within))

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
        said, reason = None if trail is None else trail.decode(), _plain(reason)
        inside = _json(_plain(by))[1:-1]
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

    async def expire_held(self, limit: int) -> Sequence[str]:
        return [row[1] for row in await self._write(sql.EXPIRE_HELD, payment_id(), limit)]

    async def prune(self, limit: int) -> int:
        return len(await self._write(sql.PRUNE, payment_id(), limit))

    # what everybody may ask

    async def find(self, id: str) -> Record | None:  # noqa: A002
        return _only(await self._database.read(sql.FIND, id))

    async def find_claim(self, claim: bytes) -> Record | None:
        return _only(await self._database.read(sql.FIND_CLAIM, claim))

    async def find_reference(self, reference: bytes) -> Record | None:
        return _only(await self._database.read(sql.FIND_REFERENCE, reference))

    async def linked(self, id: str) -> Sequence[Record]:  # noqa: A002
        return [_record(row) for row in await self._database.read(sql.FIND_LINKED, id)]

    async def find_request(self, request_id: str) -> Record | None:
        return _only(await self._database.read(sql.FIND_REQUEST, request_id))

    async def list(self, query: Query) -> Page:
        now = time()
        statement, values, bounded = search(query, now)
        after = None
        if bounded:
            where, given, _ = first_looked_at(query, now)
            rows = await self._database.read(where, *given)
            after = rows[0][0] if rows else None
            values = (*values, after or "")
        found = [_record(row) for row in await self._database.read(statement, *values)]
        return Page(found, after if len(found) < query.limit else None)

    async def counts(self) -> Mapping[State, int]:
        found = {row[0]: row[1] for row in await self._database.read(sql.COUNTS)}
        return {state: found.get(state.value, 0) for state in OPEN}

    async def ages(self) -> Mapping[State, float]:
        found = {row[0]: row[2] for row in await self._database.read(sql.COUNTS)}
        return {state: max(0.0, found.get(state.value, 0.0)) for state in OPEN}

    async def now(self) -> float:
        """The database's clock."""
        return float((await self._database.read(sql.NOW))[0][0])


def _plain(text: str) -> str:
    """What either database can hold: no zero, no half of a character."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


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
        history=_history(history),
        trail=orjson.loads(trail) if trail else {},
        request=request,
        answer=answer,
    )


def _history(text: str) -> list[Change]:
    lines = [line for line in text.split("\n") if line]  # splitlines() knows more ends than JSON does
    if lines and not lines[0].startswith('{"at":'):  # the rest of one that was forgotten
        del lines[0]
    return [_change(line) for line in lines]


def _change(line: str) -> Change:
    said = orjson.loads(line)
    return Change(said["at"], State(said["state"]), said["by"], said.get("reason", ""))
