"""The hand-off: statements taken over on the event loop, given on in batches, and told what became of them."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import structlog

from gateway.database.protocol import DatabaseDown, Row

log = structlog.get_logger("payguard.database")

Unit: TypeAlias = tuple["Future[list[Row]]", str, tuple[Any, ...], bytes]
"""Who waits, the statement, its values, its lock."""

Batch: TypeAlias = list[Unit]

Outcome: TypeAlias = list[Row] | Exception

MOST_WAITING = 10_000
"""Statements that may wait at once: 32 connections have a few hundred under way."""

MOST_IN_GROUP = 512
"""Statements, beyond which a group takes no further batch."""

MANY = 8
"""Statements of a group after which the next one waits for those who were told: with fewer it is not worth a wait."""

GATHERING, LONGEST_GATHERING = 0.003, 0.02
"""Seconds for which it does, at most: as long as the group took, between these."""

CALM = 30.0
"""Seconds without a failure after which also a group that changed nothing is a sign that all is well again."""

AWAY = "The ledger is not available."
"""All that a client is told; the reason is the error's cause, and in the log."""


@dataclass(slots=True)
class Group:
    """What one transaction did: an outcome for each unit, in order, and how long it took."""

    units: Batch
    outcomes: Sequence[Outcome]
    seconds: float


def down(reason: object) -> DatabaseDown:
    """One for each who waits: an error that is raised twice drags along the traces of both."""
    error = DatabaseDown(AWAY)
    error.__cause__ = reason if isinstance(reason, BaseException) else RuntimeError(str(reason))
    return error


class Handoff:
    """Gives what is written in one turn of the loop to ``give``, as one batch of at most 512.

    Whoever is given batches calls ``settle`` on the loop, once for each group, in the order in which it was given
    them; a group is one batch or several.  Then it may ask by ``gather`` when to begin the next: docs/decisions/0016
    says why not at once.  A statement that nobody has settled after ``patience`` seconds fails, and while one is that
    late, new ones fail at once: nobody hangs on a disk or a server that does.
    """

    def __init__(
        self,
        give: Callable[[Batch], None],
        *,
        most: int = MOST_WAITING,
        patience: float = 10.0,
        slow: float = 1.0,
    ) -> None:
        self.waiting = 0
        self.commits = self.statements = self.failures = self.slow = 0
        self.seconds = 0.0
        self.trouble: str | None = "it has not been opened"
        """Why statements fail, until a group has succeeded."""
        self._give = give
        self._most = most
        self._patience = patience
        self._slow = slow
        self._turn: Batch = []
        self._given: deque[tuple[float, Batch]] = deque()
        self._late = self._refuses = False
        self._enough = 0
        self._gathering: tuple[asyncio.TimerHandle, Callable[[], object]] | None = None
        self._failed_at = float("-inf")
        self._looking: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take statements from now on."""
        self._loop, self._refuses, self.trouble = loop, False, None

    def pause(self, reason: str) -> None:
        """Take none, until it is opened again; give on what this turn has, and let it be begun."""
        self._end_turn()
        self._gathered()
        self._refuses, self.trouble = True, reason

    def write(self, statement: str, values: tuple[Any, ...], lock: bytes) -> Future[list[Row]]:
        loop = self._loop
        if loop is None or self._refuses or self._late or self.waiting >= self._most:
            return self._refused()
        future: Future[list[Row]] = loop.create_future()
        turn = self._turn
        if not turn:
            loop.call_soon(self._end_turn)
        turn.append((future, statement, values, lock))
        self.waiting += 1
        return future

    def settle(self, group: Group) -> None:
        """Tell each who still waits."""
        count = len(group.units)
        self._forget(count)
        self.waiting -= count
        self.statements += count
        self.seconds += group.seconds
        for unit, outcome in zip(group.units, group.outcomes, strict=True):
            future = unit[0]
            if isinstance(outcome, list):
                if not future.done():
                    future.set_result(outcome)
            else:
                self.failures += 1
                if not future.done():
                    future.set_exception(outcome)
        self._judge(group)

    def gather(self, group: Group, then: Callable[[], object]) -> None:
        """Call ``then`` once as many as waited for ``group`` have written again, or soon; at once where they are few.

        It has been settled.
        """
        told = len(group.units)
        if told < MANY or self._loop is None:
            then()
            return
        self._enough = self.waiting + told
        most = min(max(group.seconds, GATHERING), LONGEST_GATHERING)
        self._gathering = self._loop.call_later(most, self._gathered), then

    def read(self, statement: str, seconds: float) -> None:
        """How long a statement took that nobody hands over."""
        if seconds >= self._slow:
            self.slow += 1
            log.warning("a statement was slow", seconds=round(seconds, 3), statement=_begins(statement))

    def _judge(self, group: Group) -> None:
        away = next((each for each in group.outcomes if isinstance(each, DatabaseDown)), None)
        if away is None:
            self.commits += 1
            if self.trouble is not None and not self._refuses and self._is_sign(group):
                log.info("statements are committed again")
                self.trouble = None
        else:
            self._failed_at = self._now()
            self._troubled(str(away.__cause__))
        if group.seconds >= self._slow:
            self.slow += 1
            first = sorted({_begins(unit[1]) for unit in group.units[:8]})
            log.warning("a group was slow", seconds=round(group.seconds, 3), statements=len(group.units), first=first)

    def _is_sign(self, group: Group) -> bool:
        """A commit of nothing succeeds on a full disk too, and comes after each payment that found no room there."""
        changed = any(isinstance(each, list) and each for each in group.outcomes)
        return changed or self._now() - self._failed_at >= CALM

    def _now(self) -> float:
        assert self._loop is not None
        return self._loop.time()

    def _troubled(self, reason: str) -> None:
        """Said where it is news; what follows from it is counted."""
        if reason != self.trouble:
            log.error("statements are not committed", reason=reason)
        self.trouble = reason

    def _refused(self) -> Future[list[Row]]:
        reason = self.trouble or f"{self.waiting} statements wait already"
        future: Future[list[Row]] = asyncio.get_running_loop().create_future()
        future.set_exception(down(reason))
        self.failures += 1
        return future

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, []
        if not turn:
            return
        loop = self._loop
        assert loop is not None
        now = loop.time()
        for start in range(0, len(turn), MOST_IN_GROUP):
            batch = turn[start : start + MOST_IN_GROUP]
            self._given.append((now, batch))
            self._give(batch)
        if self._looking is None:
            self._looking = loop.call_later(self._patience, self._look)
        if self._gathering is not None and self.waiting >= self._enough:
            self._gathered()

    def _gathered(self) -> None:
        if self._gathering is not None:
            (timer, then), self._gathering = self._gathering, None
            timer.cancel()
            then()

    def _forget(self, count: int) -> None:
        """The oldest batches, which are settled."""
        while count > 0:
            count -= len(self._given.popleft()[1])
        self._late = False

    def _look(self) -> None:
        """Whether somebody has waited for too long; again when the next will have."""
        self._looking = None
        loop = self._loop
        if not self._given or loop is None:
            return
        due, next_ = loop.time() - self._patience, self._patience
        for given, batch in self._given:
            if given > due:
                next_ = given - due
                break
            self._expire(batch)
        self._looking = loop.call_later(next_, self._look)

    def _expire(self, batch: Batch) -> None:
        late = [unit[0] for unit in batch if not unit[0].done()]
        if late:
            self._late = True
            self._troubled(f"no answer within {self._patience:g} s")
        for future in late:
            self.failures += 1
            future.set_exception(down(self.trouble))


def _begins(statement: str) -> str:
    """Enough of it to know it by.  Values are never in it: they are parameters."""
    return statement.strip().partition("\n")[0][:80]
