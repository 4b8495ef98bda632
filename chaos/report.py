"""What is shown and kept of a run: a table per fault and per trouble, the findings, and all of it as JSON."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.machine import machine
from chaos.judge import Case, Check
from chaos.run import Result

RESULTS = Path(__file__).parent / "results"
STATES = ("succeeded", "failed", "released", "unresolved", "open", "none")
SHOWN = 12
"""Findings of each check; the results file has all."""

_OPEN = frozenset({"reserved", "sent", "pending", "in_doubt", "accepted", "held"})


@dataclass(frozen=True, slots=True)
class Row:
    """Some payments, and what became of them.  Seconds are from a record's making to its settling."""

    title: str
    payments: int
    states: dict[str, int]
    arrivals: int
    executions: int
    p50: float
    p99: float
    longest: float
    found: int


def row(title: str, cases: Sequence[Case], wrong: Iterable[str]) -> Row:
    states = Counter(_state(case) for case in cases)
    seconds = sorted(
        record.settled - record.created for case in cases for record in case.records if record.settled is not None
    )
    references = {case.payment.reference for case in cases}
    return Row(
        title,
        len(cases),
        {state: states[state] for state in STATES},
        sum(len(case.arrivals) for case in cases),
        sum(len(case.executions) for case in cases),
        percentile(seconds, 0.5),
        percentile(seconds, 0.99),
        seconds[-1] if seconds else 0.0,
        len(references.intersection(wrong)),
    )


def _state(case: Case) -> str:
    if not case.records:
        return "none"
    state = case.records[0].state
    return "open" if state in _OPEN else state


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest rank; 0 of nothing."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def rows(result: Result, of: Callable[[Case], str]) -> list[Row]:
    """A row for each group of the payments, and one for all."""
    wrong = [finding.reference for finding in result.findings]
    groups: dict[str, list[Case]] = {}
    for case in result.cases:
        groups.setdefault(of(case), []).append(case)
    return [*(row(title, groups[title], wrong) for title in sorted(groups)), row("all", result.cases, wrong)]


def by_fault(result: Result) -> list[Row]:
    return rows(result, lambda case: f"{case.payment.fault}")


def by_kind(result: Result) -> list[Row]:
    return rows(result, lambda case: f"{case.payment.kind}")


def by_trouble(result: Result) -> list[Row]:
    def trouble(case: Case) -> str:
        if case.payment.number < result.options.clean:
            return "none, and no fault"
        during = result.during[case.payment.number]
        return f"{during} ×{result.happened[during]}" if result.happened[during] else f"{during}"

    return rows(result, trouble)


COLUMNS = ("payments", *STATES, "arrivals", "executed", "p50 s", "p99 s", "max s", "wrong")


def _cells(each: Row) -> list[str]:
    return [
        f"{each.payments:,}",
        *(f"{each.states[state]:,}" for state in STATES),
        f"{each.arrivals:,}",
        f"{each.executions:,}",
        *(f"{seconds:.2f}" for seconds in (each.p50, each.p99, each.longest)),
        f"{each.found:,}",
    ]


def show(console: Console, title: str, table_rows: Sequence[Row]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for each in table_rows:
        table.add_row(each.title, *_cells(each))
    console.print(table)


def markdown(title: str, table_rows: Sequence[Row]) -> str:
    head = f"| {title} | " + " | ".join(COLUMNS) + " |\n|---|" + "---:|" * len(COLUMNS) + "\n"
    return head + "".join(f"| {each.title} | " + " | ".join(_cells(each)) + " |\n" for each in table_rows)


def verdict(result: Result) -> dict[str, int]:
    """How often each check found something."""
    found = Counter(finding.check for finding in result.findings)
    return {str(check): found[check] for check in Check}


TABLES: dict[str, Callable[[Result], list[Row]]] = {
    "fault at the upstream": by_fault,
    "kind of upstream": by_kind,
    "trouble of the gateways": by_trouble,
}


def tell(console: Console, result: Result) -> None:
    options = result.options
    for title, table in TABLES.items():
        show(console, f"{options.database}: by {title}", table(result))
    for check, count in verdict(result).items():
        console.print(f"{'[red]' if count else '[green]'}{count:>5}[/]  {check}", highlight=False)
        found = [finding for finding in result.findings if finding.check == check]
        for finding in found[:SHOWN]:
            console.print(f"         {finding.reference}: {finding.detail}", highlight=False)
    told = Counter(str(case.view.told) for case in result.cases)
    console.print(f"the clients' last words: {', '.join(f'{word} {count:,}' for word, count in told.most_common())}")
    kills = sum(count for trouble, count in result.happened.items() if trouble.value.startswith("kill"))
    console.print(
        f"{len(result.cases):,} payments, {kills} gateways and {result.pages.lives - 1} upstreams killed, "
        f"{result.lost} COMMITs or files lost, {result.pages.looked_up.total():,} look-ups; came to rest in "
        f"{result.rested:.0f} s; {result.took:.0f} s in all",
        highlight=False,
    )


def keep(results: Sequence[Result]) -> Path:
    """Write the tables as Markdown and all figures as JSON; the path of the JSON."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"chaos-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps({"machine": machine(), "runs": [_document(each) for each in results]}, indent=2) + "\n")
    text = [
        f"**{each.options.database}, by {title}**\n\n{markdown(title, table(each))}"
        for each in results
        for title, table in TABLES.items()
    ]
    path.with_suffix(".md").write_text("\n".join(text))
    return path


def _document(result: Result) -> dict[str, Any]:
    return {
        "options": asdict(result.options),
        "verdict": verdict(result),
        "findings": [asdict(finding) for finding in result.findings],
        "tables": {title: [asdict(each) for each in table(result)] for title, table in TABLES.items()},
        "troubles": {str(trouble): count for trouble, count in result.happened.items()},
        "lives": result.lives,
        "upstream_lives": result.pages.lives,
        "skipped": result.skipped,
        "lost": result.lost,
        "seconds": result.took,
        "rested_seconds": result.rested,
    }
