"""One group of statements on PostgreSQL: arranged, committed as one transaction, and told apart again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import asyncpg

from gateway.database.handoff import Batch, Outcome, Unit, down
from gateway.database.postgres_session import Connection, another_time, is_down, is_gone
from gateway.database.protocol import Row
from gateway.database.statement import changes, returned, tells_itself

NOW = "extract(epoch FROM statement_timestamp())::float8"
"""Of when the statement reached the server; stable within it, so that an index can be searched by it."""

ALONE = f"SELECT pg_advisory_xact_lock({0x7061_7967_616C_6F6E})"
"""Held until the commit.  A statement of its own: the one behind it then sees what the one before has committed."""

ATTEMPTS = 3

ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError, TypeError, OverflowError)


class Spoken(NamedTuple):
    """A statement in PostgreSQL's own words.

    ``joined`` where many executions of it can be told apart; ``alone`` where no other group may carry out such a one
    meanwhile.
    """

    text: str
    joined: bool
    alone: bool = False


@lru_cache(maxsize=1024)
def dialect(statement: str) -> Spoken:
    text = statement.replace("{now}", NOW).replace("{skip_locked}", "FOR UPDATE SKIP LOCKED")
    joined = changes(statement) and (returned(statement) is None or tells_itself(statement))
    return Spoken(text.replace("{alone}", "TRUE"), joined, "{alone}" in statement)


class Call(NamedTuple):
    """Executions of one statement that go to the server as one; ``at`` are their places in the group."""

    spoken: Spoken
    at: list[int]


def arranged(units: Batch) -> list[Call]:
    """The group's statements, equal ones joined and sorted by their locks.

    Those with the same lock, and equal ones with the same first value, stay in the order in which they came: they go
    in another wave.
    """
    waves: list[dict[str, list[int]]] = []
    last: dict[Any, int] = {}
    for place, (_, statement, values, lock) in enumerate(units):
        keys = [key for key in ((statement, values[:1]), lock) if key]
        wave = 1 + max(last.get(key, -1) for key in keys)
        for key in keys:
            last[key] = wave
        if wave == len(waves):
            waves.append({})
        waves[wave].setdefault(statement, []).append(place)
    return [call for wave in waves for statement in sorted(wave) for call in _calls(units, statement, wave[statement])]


def _calls(units: Batch, statement: str, places: list[int]) -> Iterator[Call]:
    spoken = dialect(statement)
    places.sort(key=lambda place: units[place][3])
    if spoken.joined:
        yield Call(spoken, places)
    else:
        yield from (Call(spoken, [place]) for place in places)


class Commit:
    """Carries a group out.  ``outcomes`` holds what is certain, also where ``run`` is cancelled or raises.

    Two groups take the rows that equal statements wait for in the same order.  Where two wait for each other all the
    same, or a statement is refused, the group is rolled back and its statements are carried out one by one.
    """

    def __init__(self, connection: Connection, units: Batch) -> None:
        self._connection = connection
        self._units = units
        self._outcomes: list[Outcome | None] = [None] * len(units)

    def outcomes(self, reason: object) -> list[Outcome]:
        """Where nothing is certain, DatabaseDown for ``reason``."""
        return [down(reason) if each is None else each for each in self._outcomes]

    async def run(self) -> None:
        """What it raises ended the connection."""
        calls = arranged(self._units)
        if len(self._units) > 1:
            try:
                await self._together(calls)
            except ERRORS as error:
                self._still_there(error)
            else:
                return
        for call in calls:
            for place in call.at:
                self._outcomes[place] = await self._alone(call.spoken, self._units[place])

    async def _together(self, calls: list[Call]) -> None:
        alone = any(call.spoken.alone for call in calls)
        if len(calls) == 1 and not alone:  # the protocol makes it a transaction
            told = [await self._call(calls[0])]
        else:
            await self._connection.execute("BEGIN")
            try:
                if alone:
                    await self._connection.execute(ALONE)
                told = [await self._call(call) for call in calls]
                if await self._connection.execute("COMMIT") != "COMMIT":
                    raise asyncpg.InterfaceError("the transaction was rolled back")
            except ERRORS as error:
                self._still_there(error)
                await self._connection.execute("ROLLBACK")
                raise
        for call, rows in zip(calls, told, strict=True):
            for place, found in zip(call.at, rows, strict=True):
                self._outcomes[place] = found

    async def _call(self, call: Call) -> list[list[Row]]:
        """The rows of each of its executions."""
        values = [self._units[place][2] for place in call.at]
        if len(values) == 1:
            return [await self._connection.fetch(call.spoken.text, *values[0])]  # type: ignore[list-item]
        found: dict[Any, list[Row]] = {each[0]: [] for each in values}
        for row in await self._connection.fetchmany(call.spoken.text, values):
            found[row[0]].append(row)  # type: ignore[arg-type]  # a record is a sequence
        return [found[each[0]] for each in values]

    async def _alone(self, spoken: Spoken, unit: Unit) -> Outcome:
        trouble: Exception = RuntimeError("never tried")
        for _ in range(ATTEMPTS):
            try:
                if not spoken.alone:
                    return await self._connection.fetch(spoken.text, *unit[2])  # type: ignore[return-value]
                async with self._connection.transaction():
                    await self._connection.execute(ALONE)
                    return await self._connection.fetch(spoken.text, *unit[2])  # type: ignore[return-value]
            except ERRORS as error:
                self._still_there(error)
                if not another_time(error):
                    return down(error) if is_down(error) else _refused(error)
                trouble = error
        return down(trouble)

    def _still_there(self, error: Exception) -> None:
        if self._connection.is_closed() or is_gone(error):
            raise error


def _refused(error: Exception) -> ValueError:
    refusal = ValueError(str(error))
    refusal.__cause__ = error
    return refusal
