"""Asking: whoever may know what became of one payment, one after the other, until somebody does."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Any, get_args, get_type_hints

import structlog

from gateway.ledger.records import Evidence, Record
from gateway.parts import Resolver

log = structlog.get_logger("payguard.recovery")

VERDICTS = get_args(get_type_hints(Evidence)["verdict"])

WATCHED = 10_000


class Pace:
    """At most ``rate`` turns in a second, evenly."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate
        self._next = 0.0

    def pause(self, now: float) -> float:
        """Takes the next turn: seconds until it comes."""
        turn = max(now, self._next)
        self._next = turn + self._gap
        return turn - now


class Watch:
    """For how long this process has known of payments in doubt, by a clock that nobody sets.

    The database's clock may jump, and with it the end of a lease; then its owner may still be at work.
    """

    def __init__(self, most: int = WATCHED, now: Callable[[], float] = monotonic) -> None:
        self._most = most
        self._now = now
        self._since: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def seconds(self, record: Record) -> float:
        """Since it was first seen in the hands of whoever now has the right to send it."""
        epoch, since = self._since.get(record.id, (0, 0.0))
        if epoch != record.epoch:
            since = self._now()
            self._since[record.id] = record.epoch, since
            if len(self._since) > self._most:
                self._since.popitem(last=False)
        return self._now() - since

    def forget(self, id: str) -> None:  # noqa: A002
        self._since.pop(id, None)


class Told:
    """What resolvers answered, for the metrics: how often what, and how long they took.

    An answer is a verdict of Evidence, ``nothing`` of one that has nothing to say, ``failed`` of one that could not ask
    and ``timed_out``.
    """

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, str]] = Counter()
        self.seconds: Counter[str] = Counter()

    def add(self, resolver: str, answer: str, seconds: float) -> None:
        self.answers[resolver, answer] += 1
        self.seconds[resolver] += seconds  # type: ignore[assignment]  # a Counter takes fractions too


def _answer(evidence: Evidence | None) -> str:
    """TypeError for what is none: a plugin can return anything."""
    if evidence is None:
        return "nothing"
    if not isinstance(evidence, Evidence) or evidence.verdict not in VERDICTS:
        raise TypeError(f"a resolver returns Evidence or None, not {evidence!r}")
    return evidence.verdict


class Asking:
    """Asks of one record after the other's turn; each resolver within ``timeout`` seconds."""

    def __init__(
        self,
        pace: Pace,
        timeout: float,
        told: Told,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pace = pace
        self._timeout = timeout
        self._told = told
        self._sleep = sleep
        self._traced: set[tuple[str, type[Exception]]] = set()

    async def ask(
        self, record: Record, resolvers: Sequence[Resolver[Any]], enough: Callable[[Sequence[Evidence]], bool]
    ) -> list[Evidence]:
        """What they found out, in their order; nobody is asked once it is ``enough``.

        One that cannot ask is evidence of nothing, as is one that takes too long.
        """
        found: list[Evidence] = []
        for resolver in resolvers:
            if (pause := self._pace.pause(monotonic())) > 0:
                await self._sleep(pause)
            evidence = await self._ask(record, resolver)
            if evidence is not None:
                found.append(evidence)
                if enough(found):
                    break
        return found

    async def _ask(self, record: Record, resolver: Resolver[Any]) -> Evidence | None:
        limit, began = asyncio.timeout(self._timeout), monotonic()
        try:
            async with limit:
                evidence = await resolver.ask(record)
            answer = _answer(evidence)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises says nothing of the payment
            answer = "timed_out" if limit.expired() else "failed"
            reason = f"no answer within {self._timeout:g} s" if limit.expired() else type(error).__name__
            evidence = Evidence(resolver.name, "unknown", detail=f"could not be asked: {reason}")
            self._warn(resolver.name, record, error)
        self._told.add(resolver.name, answer, monotonic() - began)
        return evidence

    def _warn(self, resolver: str, record: Record, error: Exception) -> None:
        """With the traceback of the first of its kind: one who is away is asked again and again."""
        kind = (resolver, type(error))
        traceback = None if kind in self._traced else error
        self._traced.add(kind)
        said = f"{type(error).__name__}: {error}"
        log.warning(
            "a resolver could not be asked", resolver=resolver, payment=record.id, error=said, exc_info=traceback
        )
