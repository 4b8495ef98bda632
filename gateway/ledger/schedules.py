"""Schedules: when a declined payment is tried again, by the gateway itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from gateway.ledger.records import Entry

WINDOW = 30 * 86400.0
"""Seconds in which attempts of a card are counted, and after which a declined payment is not tried again."""

CEILING = 15
"""Attempts in that time, beyond which the card networks fine: no policy may allow more."""


class Phase(StrEnum):
    WAITING = "waiting"
    """The next attempt has its time."""

    ATTEMPTING = "attempting"
    """An attempt is open: none is made before it is settled."""

    ENDED = "ended"


class Planned(NamedTuple):
    """A schedule that is new.

    ``payment`` is the declined one, which all attempts name; ``code`` why it was declined.  ``request`` is what to
    send, sealed for that payment.  ``keep`` is for how many seconds the schedule stays once it has ended.
    """

    payment: str
    route: str
    owner: str | None
    reference: bytes
    method: bytes
    amount: int | None
    currency: str | None
    code: str
    keep: float
    request: bytes


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a schedule's history, by the database's clock."""

    at: float
    what: str
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """As the ledger has it.  Times are seconds since the epoch by the database's clock.

    ``reason`` is why it has ended, or will with its open ``attempt``.  ``epoch`` counts how often it was taken up: who
    holds another one may not act on it.  ``number`` counts the attempts, ``declined`` those that were declined,
    ``missed`` how often in a row it came to no attempt.
    """

    payment: str
    state: Phase
    reason: str
    epoch: int
    route: str
    owner: str | None
    reference: bytes
    method: bytes
    amount: int | None
    currency: str | None
    code: str
    number: int
    declined: int
    missed: int
    attempt: str | None
    created_at: float
    until: float
    due_at: float | None
    ended_at: float | None
    history: Sequence[Moment] = ()
    request: bytes | None = None


@dataclass(frozen=True, slots=True)
class Caps:
    """How many payments of one reference, and with one method, may have been declined, or be open, in ``WINDOW``.

    The first counts as well, and so do a client's own.
    """

    reference: int
    method: int


class Schedules(Protocol):
    """Schedules by the payment that was declined.  All raise DatabaseDown as a ledger does.

    Of one reference at most one has not ended.  Methods that return an awaitable have handed their change over; one
    that reports False found the schedule changed, and did nothing.
    """

    results: Counter[str]
    """What this process has written: scheduled, attempted, declined, not_executed, postponed, stopped with an attempt
    open, or why one ended."""

    def add(self, planned: Planned, due_in: float, within: float) -> Awaitable[bool]:
        """Due in ``due_in`` seconds; ended, whatever comes, after ``within``."""

    def displace(self, reference: bytes, payment: str, reason: str) -> Awaitable[bool]:
        """No attempt begins for this reference any more, but by the schedule of ``payment``."""

    def condemn(self, method: bytes, payment: str, reason: str) -> Awaitable[bool]:
        """Nor with this method, whatever the reference."""

    def cancel(self, payment: str, *, by: str, reason: str) -> Awaitable[bool]:
        """Nor by this schedule.  False where it has ended, or will, or there is none."""

    async def take(self, limit: int, lease: float) -> Sequence[Schedule]:
        """Those that are due, the longest first, each in a new epoch.

        Nobody else is given them for ``lease`` seconds.
        """

    def begin(self, schedule: Schedule, attempt: str, lease: float) -> Awaitable[bool]:
        """Waiting → attempting, by ``attempt``, the payment that is about to be made.

        False also where a client has made one of the same reference since.
        """

    async def attempt(self, entry: Entry, epoch: int, lease: float, caps: Caps) -> bool:
        """Make the record of the attempt that has begun, ``reserved`` for ``lease`` seconds.

        False where the schedule changed, its claim or its reference is taken, or ``caps`` allow no more.  What all
        gateways do by this is counted by this.
        """

    async def counted(self, schedule: Schedule) -> Caps:
        """How many count against the caps now."""

    def again(self, payment: str, attempt: str, due_in: float, code: str | None, reason: str = "") -> Awaitable[bool]:
        """The attempt was declined with ``code``, or without one was not executed at all, for ``reason``.

        It waits again, or has ended where its time is over then, or it was to stop.
        """

    def end(self, payment: str, attempt: str, reason: str) -> Awaitable[bool]:
        """The attempt was the last."""

    def give_up(self, schedule: Schedule, reason: str) -> Awaitable[bool]:
        """Ended by whoever took it up."""

    def postpone(self, schedule: Schedule, due_in: float) -> Awaitable[bool]:
        """It came to no attempt, or the attempt is open still."""

    async def expire(self, limit: int) -> Sequence[str]:
        """Those that wait and whose time is over have ended; their payments."""

    async def find(self, payment: str) -> Schedule | None: ...

    async def list(self, states: Sequence[Phase], limit: int, cursor: str | None) -> Sequence[Schedule]:
        """Without histories and requests, the newest payments first; those whose payment is before ``cursor``."""

    async def counts(self) -> Mapping[Phase, int]:
        """Of those that have not ended."""

    async def prune(self, limit: int) -> int:
        """Remove those that ended ``keep`` seconds ago; how many."""
