from __future__ import annotations

from collections import Counter
from pathlib import Path

from chaos.book import Arrival, Pages
from chaos.client import Told, View
from chaos.judge import Case, Check, Finding, Recorded
from chaos.plan import Fault, Trouble
from chaos.report import by_fault, by_trouble, markdown, percentile, verdict
from chaos.run import Result
from chaos.site import Options
from tests.chaos.conftest import payment


def case(number: int, fault: Fault, state: str, settled: float | None) -> Case:
    of = payment(number, fault=fault)
    view = View(of, told=Told.NOTHING)
    record = Recorded(f"r{number}", state, "aa", of.amount, "eur", "", 1.0, 1.0, settled)
    return Case(view, [record], [Arrival(number, 1.0, "aa", of.reference, whole=True)], [], frozenset())


RESULT = Result(
    Options(1, "sqlite", clean=1),
    [
        case(0, Fault.NONE, "succeeded", 1.1),
        case(1, Fault.HANG, "failed", 9.0),
        case(2, Fault.HANG, "in_doubt", None),
    ],
    [Finding(Check.LEFT_OPEN, "p0000002", "in_doubt")],
    Pages(),
    Counter({Trouble.KILL: 3}),
    {0: Trouble.NONE, 1: Trouble.KILL, 2: Trouble.KILL},
    lives={},
    skipped=[],
    lost=0,
    took=1.0,
    rested=1.0,
    folder=Path(),
)


def test_a_table_has_a_row_for_each_fault_and_one_for_all() -> None:
    hang, none, everything = by_fault(RESULT)

    assert (hang.title, hang.payments, hang.states["failed"], hang.states["open"], hang.found) == ("hang", 2, 1, 1, 1)
    assert (hang.p50, hang.longest) == (8.0, 8.0)
    assert (none.title, none.states["succeeded"], none.found) == ("none", 1, 0)
    assert (everything.payments, everything.arrivals, everything.executions) == (3, 3, 0)


def test_a_trouble_is_shown_with_how_often_it_happened() -> None:
    assert [row.title for row in by_trouble(RESULT)] == ["kill -9 ×3", "none, and no fault", "all"]


def test_the_verdict_names_every_check() -> None:
    assert verdict(RESULT) == {str(check): int(check is Check.LEFT_OPEN) for check in Check}


def test_tables_are_markdown_too() -> None:
    head, line, *rows = markdown("fault", by_fault(RESULT)).splitlines()

    assert {each.count("|") for each in (head, line, *rows)} == {head.count("|")}


def test_percentiles_are_the_nearest_rank() -> None:
    assert [percentile([1.0, 2.0, 3.0, 4.0], share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 2.0, 4.0, 4.0]
    assert percentile([], 0.5) == 0.0
