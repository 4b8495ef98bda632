"""Settling: what evidence makes certain is written, what it does not is asked for again, and in the end by a human."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from gateway.ledger.evidence import Verdict
from gateway.ledger.protocol import Ledger
from gateway.ledger.records import SETTLED, Evidence, Record, State
from gateway.ledger.trail import Masks, merge

log = structlog.get_logger("payguard.recovery")

TRIES = 3
"""How often a decision is taken again because somebody else changed the record meanwhile."""

_ENDS = (State.SUCCEEDED, State.FAILED, State.UNRESOLVED)


class Backoff:
    """Exponential with full jitter: the pause is drawn from 0 to ``first`` × 2ⁿ, at most ``most`` seconds.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, first: float, most: float) -> None:
        self._first = first
        self._most = most

    def pause(self, asked: int) -> float:
        """After ``asked`` questions before this one."""
        return random.uniform(0, min(self._most, self._first * 2.0 ** min(asked, 60)))  # noqa: S311 - jitter


class Settling:
    """Writes what becomes of a record, by compare-and-set on its revision, and tells people where they must act.

    ``attempts`` is how often a payment is asked after at most, but for misses that need only time.  ``results`` counts
    what was written: a state, ``postponed``, ``settled_meanwhile`` or ``conflict``.
    """

    def __init__(
        self,
        attempts: int,
        backoff: Backoff,
        *,
        masks: Masks,
        now: Callable[[], float],
        event: Callable[..., None],
        audit: Callable[..., object],
    ) -> None:
        self._attempts = attempts
        self._backoff = backoff
        self._masks = masks
        self._now = now
        self._event = event
        self._audit = audit
        self.results: Counter[str] = Counter()

    async def write(
        self, ledger: Ledger, record: Record, evidence: Sequence[Evidence], judged: Callable[[Record], Verdict]
    ) -> State | None:
        """The state that the record now has, as far as is known; None where it is gone.

        Where it was changed meanwhile, as by a late answer or by sending it again, it is judged as it then is.
        """
        current: Record | None = record
        for _ in range(TRIES):
            if current is None:
                return None
            verdict = judged(current)
            if current.state in SETTLED:
                return self._too_late(current, verdict, evidence)
            written = self._decide(current, verdict, asked=record.asked + 1)
            if written is None or await self._write(ledger, current, written, evidence):
                return current.state if written is None else written.state or current.state
            current = await ledger.find(record.id)
        return None if current is None else current.state

    def _decide(self, record: Record, verdict: Verdict, asked: int) -> Verdict | None:
        """What is to be written: a state, or None as state to ask again after ``wait``; None where nothing is."""
        if record.state is State.UNRESOLVED and verdict.state not in SETTLED:
            return None
        if verdict.state in _ENDS:
            return verdict
        if asked >= self._attempts and verdict.wait is None:  # to know when it will be certain is not to give up
            return Verdict(State.UNRESOLVED, verdict.reason)
        wait = self._backoff.pause(asked - 1) if verdict.wait is None else verdict.wait
        state = None if verdict.state is record.state else verdict.state
        return Verdict(state, verdict.reason, verdict.by, wait=wait)

    async def _write(self, ledger: Ledger, record: Record, verdict: Verdict, evidence: Sequence[Evidence]) -> bool:
        trail = merge(record.trail, evidence, at=self._now(), masks=self._masks)
        state = verdict.state
        if state is None:
            assert verdict.wait is not None
            if kept := await ledger.postpone(record.id, record.revision, verdict.wait, trail):
                self.results["postponed"] += 1
            return kept
        written = ledger.resolve(
            record.id, record.revision, state, by=verdict.by, reason=verdict.reason, trail=trail, due_in=verdict.wait
        )
        kept = await self._audited(written, record, state, verdict)
        if kept:
            self.results[state.value] += 1
            self._tell(record, state, verdict)
        return kept

    async def _audited(self, written: Awaitable[bool], record: Record, state: State, verdict: Verdict) -> bool:
        """Whether it was; its entry is in the same commit, and one that was refused has another."""
        said = {"subject": record.id, "principal": verdict.by, "was": record.state.value}
        self._audit("payment.resolve", outcome=state.value, reason=verdict.reason, **said)
        kept = await written
        if not kept:
            self._audit("payment.resolve", outcome="not_recorded", reason="changed_meanwhile", **said)
        return kept

    def _tell(self, record: Record, state: State, verdict: Verdict) -> None:
        said: dict[str, Any] = {"payment": record.id, "reason": verdict.reason, "route": record.route}
        if state is State.UNRESOLVED:
            self._event("payment_unresolved", severity="critical", upstream=record.upstream, asked=record.asked, **said)
        else:
            log.info("a payment in doubt was asked after", state=state.value, by=verdict.by, **said)

    def _too_late(self, record: Record, verdict: Verdict, evidence: Sequence[Evidence]) -> State:
        self.results["settled_meanwhile"] += 1
        if verdict.conflict:
            self.results["conflict"] += 1
            said = {each.resolver: each.verdict for each in evidence}
            self._event("payment_conflict", severity="critical", payment=record.id, state=record.state.value, said=said)
        return record.state
