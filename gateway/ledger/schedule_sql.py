"""Schedules on a database: one statement for each change."""

from __future__ import annotations

from asyncio import Future
from collections import Counter
from collections.abc import Awaitable, Generator, Mapping, Sequence
from typing import Any

import orjson

from gateway.database.protocol import Database, Row
from gateway.ids import payment_id
from gateway.ledger import schedule_statements as sql
from gateway.ledger.records import Entry
from gateway.ledger.schedules import Caps, Moment, Phase, Planned, Schedule

_LAST = "~"
"""After every id."""

_PLAIN = Entry._fields.index("reference")


class _Counted:
    """Whether a statement changed anything, once it is committed; what it changed is counted then, once.

    What has ended counts by why; anything else as ``what``.
    """

    __slots__ = ("_results", "_rows", "_what")

    def __init__(self, rows: Future[list[Row]], results: Counter[str], what: str) -> None:
        self._rows = rows
        self._results: Counter[str] | None = results
        self._what = what

    def __await__(self) -> Generator[Any, None, bool]:
        rows = yield from self._rows.__await__()
        results, self._results = self._results, None
        if results is not None:
            for _, _, state, reason in rows:
                results[reason if state == Phase.ENDED else self._what] += 1
        return bool(rows)


class SqlSchedules:
    """Schedules on ``database``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.results: Counter[str] = Counter()

    def _write(self, what: str, statement: str, *values: Any, lock: bytes = b"") -> Awaitable[bool]:
        return _Counted(self._database.write(statement, *values, lock=lock), self.results, what)

    # what a payment's owner does

    def add(self, planned: Planned, due_in: float, within: float) -> Awaitable[bool]:
        return self._write("scheduled", sql.ADD, *planned, due_in, within, _json(planned.code), lock=planned.reference)

    def displace(self, reference: bytes, payment: str, reason: str) -> Awaitable[bool]:
        return self._write("stopped", sql.DISPLACE, reference, payment, reason, _json(reason), lock=reference)

    def condemn(self, method: bytes, payment: str, reason: str) -> Awaitable[bool]:
        return self._write("stopped", sql.CONDEMN, method, payment, reason, _json(reason), lock=method)

    def again(self, payment: str, attempt: str, due_in: float, code: str | None, reason: str = "") -> Awaitable[bool]:
        if code is None:
            return self._write("not_executed", sql.NOT_EXECUTED, payment, attempt, due_in, _json(reason))
        return self._write("declined", sql.DECLINED, payment, attempt, due_in, _json(code), code)

    def end(self, payment: str, attempt: str, reason: str) -> Awaitable[bool]:
        return self._write("ended", sql.END, payment, attempt, reason, _json(reason))

    # what people do

    def cancel(self, payment: str, *, by: str, reason: str) -> Awaitable[bool]:
        return self._write("stopped", sql.CANCEL, payment, _json(_plain(by))[1:-1], _json(_plain(reason)))

    # what works them off

    async def take(self, limit: int, lease: float) -> Sequence[Schedule]:
        rows = await self._database.write(sql.TAKE, payment_id(), limit, lease)
        return sorted((_schedule(row[1:]) for row in rows), key=lambda each: each.payment)

    def begin(self, schedule: Schedule, attempt: str, lease: float) -> Awaitable[bool]:
        return self._write("begun", sql.BEGIN, schedule.payment, schedule.epoch, attempt, lease, _json(attempt))

    async def attempt(self, entry: Entry, epoch: int, lease: float, caps: Caps) -> bool:
        values = (*entry[:_PLAIN], lease, epoch, caps.reference, caps.method)
        made = bool(await self._database.write(sql.ATTEMPT, *values, lock=entry.claim or b""))
        self.results["attempted"] += made
        return made

    async def counted(self, schedule: Schedule) -> Caps:
        [row] = await self._database.read(sql.COUNTED, schedule.reference, schedule.method)
        return Caps(row[0], row[1])

    def give_up(self, schedule: Schedule, reason: str) -> Awaitable[bool]:
        return self._write("ended", sql.GIVE_UP, schedule.payment, schedule.epoch, reason, _json(reason))

    def postpone(self, schedule: Schedule, due_in: float) -> Awaitable[bool]:
        return self._write("postponed", sql.POSTPONE, schedule.payment, schedule.epoch, due_in)

    async def expire(self, limit: int) -> Sequence[str]:
        rows = await self._database.write(sql.EXPIRE, payment_id(), limit, _json("expired"))
        self.results["expired"] += len(rows)
        return [row[1] for row in rows]

    async def prune(self, limit: int) -> int:
        return len(await self._database.write(sql.PRUNE, payment_id(), limit))

    # what everybody may ask

    async def find(self, payment: str) -> Schedule | None:
        rows = await self._database.read(sql.FIND, payment)
        return _schedule(rows[0]) if rows else None

    async def list(self, states: Sequence[Phase], limit: int, cursor: str | None) -> Sequence[Schedule]:
        words = " OR ".join(f"state = '{Phase(each).value}'" for each in states)
        open_ = "" if Phase.ENDED in states else " AND due_at IS NOT NULL"
        statement = sql.LIST.replace("{states}", f"({words}){open_}").replace("{limit}", str(limit))
        return [_schedule(row) for row in await self._database.read(statement, cursor or _LAST)]

    async def counts(self) -> Mapping[Phase, int]:
        found = {row[0]: row[1] for row in await self._database.read(sql.COUNTS)}
        return {phase: found.get(phase.value, 0) for phase in (Phase.WAITING, Phase.ATTEMPTING)}


def _schedule(row: Row) -> Schedule:
    given = dict(zip(sql.COLUMNS, row, strict=False))
    given["state"], given["until"] = Phase(given["state"]), given.pop("until_at")
    if len(row) == len(sql.COLUMNS):
        return Schedule(**given)
    history, request = row[len(sql.COLUMNS) :]
    return Schedule(**given, history=[_moment(line) for line in history.split("\n") if line], request=request)


def _moment(line: str) -> Moment:
    said = orjson.loads(line)
    return Moment(said["at"], said["what"], said["by"], said.get("reason", ""))


def _json(text: str) -> str:
    return orjson.dumps(_plain(text)).decode()


def _plain(text: str) -> str:
    """What either database can hold: no zero, no half of a character."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
