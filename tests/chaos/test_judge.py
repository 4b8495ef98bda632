from __future__ import annotations

from dataclasses import replace

import pytest

from chaos.book import Arrival, Execution, Pages
from chaos.client import Told, View
from chaos.judge import Check, Finding, Recorded, cases, judge
from chaos.plan import Fault, Kind, Payment
from tests.chaos.conftest import payment

ONE = payment(7)
KEY = "aa" * 32


def view(told: Told = Told.SUCCEEDED, of: Payment = ONE, **changes: object) -> View:
    made = View(of, ids={"r1"}, **changes)  # type: ignore[arg-type]
    made.hear(told)
    return made


def record(state: str = "succeeded", **changes: object) -> Recorded:
    made = Recorded("r1", state, KEY, ONE.amount, "eur", "", created=1.0, sent=1.1, settled=1.2)
    return replace(made, **changes)  # type: ignore[arg-type]


def arrival(number: int = 1, at: float = 1.1, **changes: object) -> Arrival:
    return replace(Arrival(number, at, KEY, ONE.reference, whole=True), **changes)  # type: ignore[arg-type]


def execution(number: int = 1, amount: int = ONE.amount) -> Execution:
    return Execution(number, 1.15, KEY, ONE.reference, amount, "eur")


def found(
    views: list[View] | None = None,
    records: list[Recorded] | None = None,
    arrivals: list[Arrival] | None = None,
    executions: list[Execution] | None = None,
    *,
    declared: set[int] | None = None,
    clean: int = 0,
    unrecorded: frozenset[str] = frozenset(),
) -> list[Check]:
    views = [view()] if views is None else views
    records = [record()] if records is None else records
    pages = Pages([arrival()] if arrivals is None else arrivals, [execution()] if executions is None else executions)
    pages.declared = declared or set()
    findings: list[Finding] = judge(cases(views, records, pages), records, pages, clean, unrecorded)
    return [finding.check for finding in findings]


def test_a_payment_that_everybody_tells_alike_is_well() -> None:
    assert found() == []


def test_a_naked_upstream_is_sent_nothing_twice_but_what_it_said_it_had_not_executed() -> None:
    twice = [arrival(1), arrival(2, at=3.0)]

    assert found(arrivals=twice) == [Check.SENT_TWICE]
    assert found(arrivals=twice, declared={1}) == []


def test_half_a_request_counts_as_sent() -> None:
    assert found(arrivals=[arrival(1, key="", whole=False), arrival(2)]) == [Check.SENT_TWICE]


def test_one_that_deduplicates_may_be_sent_the_same_again_but_executes_it_once() -> None:
    dedup = view(of=payment(7, Kind.DEDUPLICATING))
    twice = [arrival(1), arrival(2)]

    assert found([dedup], arrivals=twice) == []
    assert found([dedup], arrivals=twice, executions=[execution(1), execution(2)]) == [Check.EXECUTED_TWICE]


@pytest.mark.parametrize("told", [Told.SUCCEEDED, Told.PENDING, Told.IN_DOUBT, Told.ACCEPTED])
def test_what_a_client_was_told_has_a_record(told: Told) -> None:
    assert Check.FORGOTTEN in found([view(told)], records=[])


def test_what_arrived_has_a_record_under_its_key() -> None:
    assert Check.FORGOTTEN in found(records=[record(key="bb" * 32)])
    assert Check.FORGOTTEN in found([], records=[], arrivals=[arrival(reference="p0000099")])
    assert Check.FORGOTTEN in found(arrivals=[arrival(), arrival(2, key="", reference="")])


def test_a_client_that_was_told_nothing_has_lost_nothing() -> None:
    silent = View(ONE)

    assert found([silent], records=[], arrivals=[], executions=[]) == []
    assert found([silent], records=[record("released")], arrivals=[], executions=[]) == []


@pytest.mark.parametrize("state", ["failed", "released"])
def test_what_the_book_has_is_not_called_failed(state: str) -> None:
    assert found([View(ONE)], records=[record(state)]) == [Check.CALLED_FAILED]
    assert Check.CALLED_FAILED in found([view(Told.FAILED)])


def test_what_the_book_has_not_or_has_otherwise_is_not_called_succeeded() -> None:
    assert found(executions=[]) == [Check.CALLED_SUCCEEDED]
    assert found(executions=[execution(amount=1)]) == [Check.CALLED_SUCCEEDED]
    assert found(records=[record("failed")], executions=[]) == [Check.CALLED_SUCCEEDED, Check.DISAGREES]


def test_only_what_a_gateway_said_it_could_not_write_may_be_told_and_left_to_a_human() -> None:
    late = view(of=payment(7, Kind.LATE))
    said = frozenset({"r1"})

    assert found([late], [record("unresolved")]) == [Check.DISAGREES]
    assert found([late], [record("unresolved")], unrecorded=said) == []
    assert found([late], [record("unresolved")], executions=[], unrecorded=said) == [Check.CALLED_SUCCEEDED]
    assert found([late], [record("failed")], executions=[], unrecorded=said) == [
        Check.CALLED_SUCCEEDED,
        Check.DISAGREES,
    ]
    assert found([view()], [record("unresolved")], unrecorded=said) == [Check.LEFT_OPEN]


@pytest.mark.parametrize("state", ["reserved", "sent", "pending", "in_doubt"])
def test_nothing_is_left_open(state: str) -> None:
    assert found([View(ONE)], records=[record(state)]) == [Check.LEFT_OPEN]


def test_unresolved_is_for_those_who_promise_nothing_or_executed_something_else() -> None:
    unresolved = [record("unresolved")]
    other = payment(7, fault=Fault.OTHER_AMOUNT)

    assert found([view(Told.UNRESOLVED)], unresolved) == [Check.LEFT_OPEN]
    assert found([view(Told.UNRESOLVED, payment(7, Kind.LATE))], unresolved) == []
    assert found([view(Told.UNRESOLVED, other)], unresolved, executions=[execution(amount=1)]) == []


def test_a_last_word_stays_and_is_what_is_recorded() -> None:
    both = view()
    both.hear(Told.FAILED)

    assert Check.TOLD_TWO_THINGS in found([both])
    assert found(records=[record("unresolved")]) == [Check.LEFT_OPEN, Check.DISAGREES]
    assert found([view(Told.UNRESOLVED)]) == []


def test_what_a_client_should_never_have_been_told_is_found() -> None:
    assert found([view(wrong=["the answer of another payment, p0000008"])]) == [Check.NOT_OURS]


def test_a_record_that_nobody_asked_for_is_found() -> None:
    assert Check.FORGOTTEN in found(records=[record(), record(id="r2")])
    assert Check.FORGOTTEN in found(records=[record(), record(id="r2", amount=1)])


def test_without_a_fault_nearly_all_succeed() -> None:
    silent = View(ONE)

    assert found([silent], records=[], arrivals=[], executions=[], clean=8) == [Check.CLEAN_FAILED]
    assert found(clean=8) == []
