"""The judge: compares what the client was told, what the ledger says, and what the upstream's book holds.

It judges at the end, when nothing is under way any more.  Each check finds what may never happen; a run is good where
none finds anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chaos.book import Arrival, Execution, Pages
from chaos.client import Told, View
from chaos.plan import CURRENCY, Fault, Kind, Payment


class Check(StrEnum):
    SENT_TWICE = "sent twice to a naked upstream"
    EXECUTED_TWICE = "executed twice"
    FORGOTTEN = "accepted and forgotten"
    CALLED_FAILED = "called failed or released, and the book has it"
    CALLED_SUCCEEDED = "called succeeded, and the book has it not"
    LEFT_OPEN = "left in doubt"
    NOT_OURS = "another payment's answer"
    TOLD_TWO_THINGS = "told two things for good"
    DISAGREES = "told otherwise than recorded"
    CLEAN_FAILED = "less than 99 % succeed without a fault"


@dataclass(frozen=True, slots=True)
class Finding:
    check: Check
    reference: str
    detail: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A payment as the ledger has it; times in seconds since the epoch."""

    id: str
    state: str
    key: str
    amount: int
    currency: str
    reason: str
    created: float
    sent: float | None
    settled: float | None


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of one payment.  ``records`` are those with its amount: one, or none."""

    view: View
    records: Sequence[Recorded]
    arrivals: Sequence[Arrival]
    executions: Sequence[Execution]
    declared: frozenset[int]

    @property
    def payment(self) -> Payment:
        return self.view.payment

    @property
    def paid(self) -> bool:
        """Whether the book has it, as it was asked for."""
        return any((each.amount, each.currency) == (self.payment.amount, CURRENCY) for each in self.executions)


def cases(views: Iterable[View], records: Iterable[Recorded], pages: Pages) -> list[Case]:
    arrivals, executions = pages.by_reference(), pages.executed()
    recorded: dict[int, list[Recorded]] = {}
    for record in records:
        recorded.setdefault(record.amount, []).append(record)
    made = []
    for view in views:
        reference = view.payment.reference
        came = arrivals.get(reference, [])
        declared = frozenset(each.number for each in came) & pages.declared
        made.append(
            Case(view, recorded.get(view.payment.amount, []), came, executions.get(reference, []), frozenset(declared))
        )
    return made


def judge(
    all_cases: Sequence[Case],
    records: Iterable[Recorded],
    pages: Pages,
    clean: int,
    unrecorded: Collection[str] = frozenset(),
) -> list[Finding]:
    """Everything that is wrong, the worst first.  The first ``clean`` payments met no fault.

    ``unrecorded`` are ids of payments whose outcome a gateway said that it could not write.
    """
    findings = [finding for case in all_cases for finding in _of(case, unrecorded)]
    findings += _strangers(all_cases, records, pages)
    findings += _clean(all_cases, clean)
    order = list(Check)
    return sorted(findings, key=lambda finding: (order.index(finding.check), finding.reference))


def _of(case: Case, unrecorded: Collection[str]) -> Iterator[Finding]:
    for check, detail in (
        (Check.SENT_TWICE, _sent_twice(case)),
        (Check.EXECUTED_TWICE, f"{len(case.executions)} times" if len(case.executions) > 1 else ""),
        (Check.FORGOTTEN, _forgotten(case)),
        (Check.CALLED_FAILED, _called_failed(case)),
        (Check.CALLED_SUCCEEDED, _called_succeeded(case)),
        (Check.LEFT_OPEN, _left_open(case)),
        (Check.NOT_OURS, "; ".join(case.view.wrong)),
        (Check.TOLD_TWO_THINGS, _two_things(case)),
        (Check.DISAGREES, _disagrees(case, unrecorded)),
    ):
        if detail:
            yield Finding(check, case.payment.reference, detail)


def _sent_twice(case: Case) -> str:
    """An arrival after one that was not declared to be without effect.

    Whether the upstream's word that it did nothing came through does not count for the naked kinds: it is the truth.
    """
    if case.payment.kind is Kind.DEDUPLICATING:
        return ""
    binding = [each for each in case.arrivals if each.number not in case.declared]
    if len(binding) < 2:
        return ""
    first = binding[0].at
    return f"{len(binding)} arrivals, " + ", ".join(f"+{each.at - first:.2f} s" for each in binding)


def _forgotten(case: Case) -> str:
    keys = {record.key for record in case.records}
    if unknown := {each.key for each in case.arrivals if each.key and each.key not in keys}:
        return f"arrived under {min(unknown)[:12]}…, which the ledger does not have"
    if case.view.told is not Told.NOTHING and not case.records:
        return f"told {case.view.told}, and the ledger has no record"
    if missing := case.view.ids - {record.id for record in case.records}:
        return f"the ledger does not have {min(missing)}"
    return ""


def _called_failed(case: Case) -> str:
    if not case.executions:
        return ""
    if called := [record for record in case.records if record.state in ("failed", "released")]:
        return f"the ledger says {called[0].state}: {called[0].reason}"
    return "the client was told failed" if Told.FAILED in case.view.final else ""


def _called_succeeded(case: Case) -> str:
    if case.paid:
        return ""
    if called := [record for record in case.records if record.state == "succeeded"]:
        return f"the ledger says succeeded: {called[0].reason}"
    return "the client was told succeeded" if Told.SUCCEEDED in case.view.final else ""


def _left_open(case: Case) -> str:
    """``unresolved`` is as it should be where the upstream promises nothing, or executed what nobody asked for."""
    for record in case.records:
        if record.state in ("reserved", "sent", "pending", "in_doubt", "accepted", "held"):
            return f"{record.state}: {record.reason}"
        promised = case.payment.kind in (Kind.NAKED, Kind.QUEUED) and case.payment.fault is not Fault.OTHER_AMOUNT
        if record.state == "unresolved" and promised:
            return f"unresolved: {record.reason}"
    return ""


def _two_things(case: Case) -> str:
    settled = case.view.final & {Told.SUCCEEDED, Told.FAILED}
    return " and ".join(sorted(settled)) if len(settled) > 1 else ""


def _disagrees(case: Case, unrecorded: Collection[str]) -> str:
    """A last word stays; only ``unresolved`` may be settled by late proof.

    A client is told the upstream's own answer also where the ledger is away.  A gateway that says so, and dies before
    the ledger is back, leaves it to those who can be asked; where nobody can, to a human.
    """
    told = case.view.final & {Told.SUCCEEDED, Told.FAILED}
    for record in case.records:
        if record.state == "unresolved" and record.id in unrecorded:
            continue
        if told and record.state not in told:
            return f"told {min(told)}, recorded {record.state}"
    return ""


def _strangers(all_cases: Sequence[Case], records: Iterable[Recorded], pages: Pages) -> Iterator[Finding]:
    """What belongs to no payment of the run: bytes on the wire that nobody can name, records of money nobody sent."""
    known = {case.payment.reference for case in all_cases}
    keys = {record.key for record in records}
    for arrival in pages.arrivals:
        if arrival.reference not in known and arrival.key not in keys:
            yield Finding(Check.FORGOTTEN, arrival.reference or "?", "bytes arrived that belong to no record")
    amounts = {case.payment.amount for case in all_cases}
    twice = Counter(record.amount for record in records)
    for record in records:
        if record.amount not in amounts or twice[record.amount] > 1:
            yield Finding(Check.FORGOTTEN, record.id, f"a record of {record.amount} that nobody asked for")


def _clean(all_cases: Sequence[Case], clean: int) -> Iterator[Finding]:
    met = [case for case in all_cases if case.payment.number < clean]
    good = sum(case.view.told is Told.SUCCEEDED for case in met)
    if met and good < 0.99 * len(met):
        yield Finding(Check.CLEAN_FAILED, "-", f"{good} of {len(met)}")


def settling(all_cases: Iterable[Case]) -> list[float]:
    """Seconds from its record's making to its settling, of each payment that was settled after its exchange."""
    return sorted(
        record.settled - record.created for case in all_cases for record in case.records if record.settled is not None
    )


def outcomes(all_cases: Iterable[Case]) -> Mapping[str, int]:
    """How many payments ended in which state of the ledger; ``none`` have no record."""
    return Counter(case.records[0].state if case.records else "none" for case in all_cases)
