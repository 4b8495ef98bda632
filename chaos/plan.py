"""The plan: everything that goes wrong in a run, drawn from its seed before it begins."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

NEVER_EXECUTES_AFTER = 6.0
"""Seconds after which the naked and the deduplicating upstream do not execute what arrived: they declare it."""

WINDOW = 30.0
"""Seconds for which the deduplicating upstream knows a key; the policy declares a little less."""

CURRENCY = "eur"
FIRST_AMOUNT = 10_000
"""Each payment has an amount of its own, which is how the judge knows it in the ledger."""


OWNERS = 40


class Kind(StrEnum):
    """What a payment's upstream promises."""

    NAKED = "naked"
    """Executes whatever arrives; a look-up by key tells the truth, and nothing executes late."""

    LATE = "late"
    """Executes whatever arrives, also long after a look-up found nothing.  It declares nothing."""

    DEDUPLICATING = "dedup"
    """Executes a key once within its window; it can be asked by sending the same again, and in no other way."""

    QUEUED = "queued"
    """As naked; its route accepts payments while it cannot be reached, and they are sent later."""


class Fault(StrEnum):
    """What goes wrong with one payment at its upstream."""

    NONE = "none"
    SLOW = "slow"
    HANG = "hang"
    HANG_AFTER_COMMIT = "hang after commit"
    RESET_BEFORE = "reset before the answer"
    RESET_WITHIN = "reset within the answer"
    RESET_AFTER = "reset after the answer"
    DROPPED = "committed, answer dropped"
    ERROR_BEFORE = "500, not executed"
    ERROR_AFTER = "500 after commit"
    BAD_GATEWAY_AFTER = "502 after commit"
    TRUNCATED = "truncated 2xx"
    PENDING = "202, done later"
    DECLINED = "402 decline"
    BUSY = "429, then taken"
    DELAYED = "executed after the timeout"
    KILLED_BEFORE = "upstream killed before"
    KILLED_AFTER = "upstream killed after commit"
    OTHER_AMOUNT = "another amount executed"


class Trouble(StrEnum):
    """What goes wrong around a gateway while a stretch of payments passes it."""

    NONE = "none"
    KILL = "kill -9"
    UNSYNCED = "kill -9, unsynced writes lost"
    STOP = "SIGSTOP beyond the lease"
    FREEZE = "frozen beyond the lease, clock and all"
    RELOAD = "reload"
    ROLLING = "rolling restart"
    DATABASE_RESTART = "Postgres restarted"
    COMMIT_LOST = "COMMIT replies lost"
    STALL = "Postgres' replies stalled"
    DISK_FULL = "disk full"
    CLOCK = "wall clock jumps"
    AWAY = "upstream away for seconds"


SHARES: dict[Fault, float] = {
    Fault.NONE: 62,
    Fault.SLOW: 3,
    Fault.KILLED_BEFORE: 0.25,
    Fault.KILLED_AFTER: 0.25,
    Fault.OTHER_AMOUNT: 0.5,
}
"""Percent of the payments; the faults that are not named here share what is left equally."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of the plan.

    ``delay`` is in seconds, for the faults that wait.  ``clicks`` is how often the client posts it at the same moment;
    ``declines`` says that it is declined where it is pending first.
    """

    number: int
    kind: Kind
    fault: Fault
    delay: float
    owner: str
    key: str
    clicks: int
    declines: bool

    @property
    def reference(self) -> str:
        return f"p{self.number:07d}"

    @property
    def amount(self) -> int:
        return FIRST_AMOUNT + self.number


@dataclass(frozen=True, slots=True)
class Stretch:
    """At least ``count`` payments pass while one trouble, ``events`` times, befalls the gateways."""

    trouble: Trouble
    count: int
    events: int


@dataclass(frozen=True, slots=True)
class Plan:
    """``clean`` payments come first, without any fault.  ``faults`` and ``kinds`` narrow what is drawn.

    ``clicks`` is how often each is posted at the same moment, where it is not drawn.
    """

    seed: int
    clean: int = 0
    faults: tuple[Fault, ...] = ()
    kinds: tuple[Kind, ...] = tuple(Kind)
    clicks: int | None = None

    def payment(self, number: int) -> Payment:
        draw = random.Random(f"{self.seed}:payment:{number}")
        kind = draw.choices(self.kinds, [_KIND_SHARES[kind] for kind in self.kinds])[0]
        fault = self._fault(draw, kind)
        delay = _delay(draw, kind, fault)
        clicks = draw.choices([1, 2, 4], [90, 7, 3])[0]
        declines = draw.random() < 0.25
        if number < self.clean:
            fault, delay, clicks = Fault.NONE, 0.0, 1
        clicks = self.clicks or clicks
        shares = number % 25 == 1  # the key of the payment before it, of another owner
        owner, key = f"user{number % OWNERS}", f"{self.seed}-{number - shares}"
        return Payment(number, kind, fault, delay, owner, key, clicks, declines)

    def of(self, reference: str) -> Payment:
        """The payment with this reference."""
        return self.payment(int(reference[1:]))

    def _fault(self, draw: random.Random, kind: Kind) -> Fault:
        if self.faults:
            return draw.choice([fault for fault in self.faults if possible(fault, kind)] or [Fault.NONE])
        faults = [fault for fault in Fault if possible(fault, kind)]
        rest = (100 - sum(SHARES.values())) / (len(Fault) - len(SHARES))
        return draw.choices(faults, [SHARES.get(fault, rest) for fault in faults])[0]

    def look_up_fails(self, key: str, times: int) -> bool:
        """Whether the ``times``-th look-up of a key, counted from 1, gets no answer that can be read."""
        return times <= 2 and random.Random(f"{self.seed}:look-up:{key}:{times}").random() < 0.15


_KIND_SHARES = {Kind.NAKED: 40, Kind.LATE: 15, Kind.DEDUPLICATING: 30, Kind.QUEUED: 15}


def possible(fault: Fault, kind: Kind) -> bool:
    """One that deduplicates remembers what it executed; so it never executes anything else under that key."""
    return not (fault is Fault.OTHER_AMOUNT and kind is Kind.DEDUPLICATING)


def _delay(draw: random.Random, kind: Kind, fault: Fault) -> float:
    match fault:
        case Fault.SLOW:
            return draw.uniform(0.2, 0.7)
        case Fault.PENDING:
            return draw.uniform(0.5, 3.0)
        case Fault.DELAYED if kind is Kind.LATE:
            return draw.uniform(3.0, 15.0)
        case Fault.DELAYED:
            return draw.uniform(1.2, NEVER_EXECUTES_AFTER - 1.0)
    return 0.0


DEADLY = frozenset({Trouble.KILL, Trouble.UNSYNCED})


def stretches(seed: int, troubles: Sequence[Trouble], *, each: int, kills: int) -> Iterator[Stretch]:
    """Without an end: round after round of all troubles, in an order drawn from the seed.

    Each stretch has ``each`` payments; where gateways are killed, ``kills`` of them are.
    """
    draw = random.Random(f"{seed}:stretches")
    while True:
        for trouble in draw.sample(troubles, len(troubles)):
            events = kills if trouble in DEADLY else draw.randint(1, 3)
            yield Stretch(trouble, each, 0 if trouble is Trouble.NONE else events)
