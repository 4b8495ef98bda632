"""Evidence: what answers of those who were asked make certain of a payment.  Rules alone, without any asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from gateway.ledger.records import SETTLED, Evidence, Record, State

OPEN = frozenset({State.SENT, State.PENDING, State.IN_DOUBT, State.UNRESOLVED})
"""States that evidence may end."""


class LookUps(Protocol):
    """What an upstream declares of look-ups by our key."""

    @property
    def linearizable(self) -> bool:
        """Whether one sees whatever was executed before it began."""

    @property
    def never_executes_after(self) -> float | None:
        """Seconds after which the upstream begins nothing more of what it was sent; None where it does not say."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from evidence.

    ``state`` is where the record goes, None where it stays; ``by`` is the resolver that decided.  ``conflict`` says
    that evidence contradicts other evidence, or what the record says for good.  ``wait`` is after how many seconds the
    same answer would tell more.
    """

    state: State | None
    reason: str
    by: str = "recovery"
    conflict: bool = False
    wait: float | None = None


def judge(record: Record, evidence: Sequence[Evidence], *, look_up: LookUps | None, now: float) -> Verdict:
    """The same for the same evidence in any order.  ``now``, by the database's clock, is not after the asking began.

    * succeeded: found by our key or id, with the amount and the currency of the record, where it has them
    * failed: said so of our key or id; or absent, where the upstream declares that this means something, in time
    * what contradicts itself, or the record, is unresolved: no evidence overwrites another
    """
    if record.state in SETTLED:
        return Verdict(None, "settled", conflict=any(_contradicts(record, each) for each in evidence))
    if record.state not in OPEN:
        return Verdict(None, "never_sent")
    said = _Said.of(record, evidence)
    missed, wait = _missed(record, said.absent, look_up, now)
    if reason := _conflict(record, said, evidence, missed=bool(missed)):
        return Verdict(State.UNRESOLVED, reason, conflict=True)
    for state, reason, proof in (
        (State.SUCCEEDED, "confirmed", [each for each in said.succeeded if _money_known(record, each)]),
        (State.FAILED, "confirmed", said.failed),
        (State.FAILED, "not_executed", missed),
        (State.PENDING, "still_pending", [] if said.succeeded else said.pending),
    ):
        if proof:
            return Verdict(state, reason, min(each.resolver for each in proof))
    return Verdict(None, _why_not(said, evidence, wait), wait=wait)


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said of our key or id."""

    succeeded: Sequence[Evidence]
    failed: Sequence[Evidence]
    pending: Sequence[Evidence]
    absent: Sequence[Evidence]
    differs: str | None

    @classmethod
    def of(cls, record: Record, evidence: Sequence[Evidence]) -> Self:
        of: dict[str, list[Evidence]] = {"succeeded": [], "failed": [], "pending": [], "absent": [], "unknown": []}
        for each in evidence:
            if each.by_key:
                of[each.verdict].append(each)
        found = [*of["succeeded"], *of["failed"], *of["pending"]]
        differences = [difference for each in found if (difference := _differs(record, each))]
        return cls(of["succeeded"], of["failed"], of["pending"], of["absent"], min(differences, default=None))


def _conflict(record: Record, said: _Said, evidence: Sequence[Evidence], *, missed: bool) -> str | None:
    """Why a human must look: what was found is another payment than ours, or somebody says otherwise."""
    taken = record.state is State.PENDING or any(each.verdict in ("succeeded", "pending") for each in evidence)
    contradicted = (said.succeeded and said.failed) or (missed and taken)
    return said.differs or ("evidence_conflicts" if contradicted else None)


def _differs(record: Record, found: Evidence) -> str | None:
    if record.amount is not None and found.amount is not None and record.amount != found.amount:
        return "amount_differs"
    if record.currency is not None and found.currency is not None and record.currency != found.currency:
        return "currency_differs"
    return None


def _money_known(record: Record, found: Evidence) -> bool:
    amount = record.amount is None or found.amount is not None
    return amount and (record.currency is None or found.currency is not None)


def _missed(
    record: Record, absent: Sequence[Evidence], look_up: LookUps | None, now: float
) -> tuple[Sequence[Evidence], float | None]:
    """The look-ups whose miss counts; or after how many seconds one of them would."""
    if not absent or record.lease_until is None or look_up is None or not look_up.linearizable:
        return (), None
    if look_up.never_executes_after is None:
        return (), None
    left = record.lease_until + look_up.never_executes_after - now
    return (absent, None) if left <= 0 else ((), left)


def _contradicts(record: Record, each: Evidence) -> bool:
    """Whether somebody who knows says otherwise than a record that is settled."""
    if not each.by_key or each.verdict in ("absent", "unknown"):
        return False  # a miss that comes late proves nothing: what is settled may have been removed there
    if record.state is State.SUCCEEDED:
        return each.verdict == "failed" or _differs(record, each) is not None
    return each.verdict != "failed"


def _why_not(said: _Said, evidence: Sequence[Evidence], wait: float | None) -> str:
    if said.succeeded:
        return "amount_unknown"
    if wait is not None:
        return "absent_too_early"
    if any(each.verdict == "absent" for each in evidence):
        return "absence_proves_nothing"
    if any(each.verdict in ("succeeded", "failed", "pending") for each in evidence):
        return "not_by_key"
    return "nobody_knows"
