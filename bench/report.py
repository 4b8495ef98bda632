"""What is shown and kept: a table, JSON with every sample, and a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.compare import BASE, FLOOR, Row, Sample
from bench.figures import Spread

_COLUMNS = ("CPU µs", f"x {BASE}", "requests/s", "p50 ms", "p99 ms", "backend asked")

RESULTS = Path(__file__).parent / "results"


def show(console: Console, rows: Sequence[Row], titles: Mapping[str, str]) -> None:
    """One table per workload, the cheapest first.  ``backend asked`` is per request."""
    for workload in dict.fromkeys(row.workload for row in rows):
        table = Table(title=f"{workload}: CPU per request, median (least - most) of rounds", title_justify="left")
        table.add_column("proxy", no_wrap=True)
        for column in _COLUMNS:
            table.add_column(column, justify="right")
        chosen = [row for row in rows if row.workload == workload]
        for row in sorted(chosen, key=lambda row: row.cost.median):
            table.add_row(titles.get(row.peer, row.peer), *_cells(row))
        console.print(table)


def show_recorded(console: Console, rows: Sequence[Row], titles: Mapping[str, str]) -> None:
    """What recording a payment costs, by those that have a ledger and used it."""
    if not (recorded := _with_a_ledger(rows)):
        return
    table = Table(title=f"What a payment costs beyond {titles.get(FLOOR, FLOOR)}", title_justify="left")
    table.add_column("proxy", no_wrap=True)
    for column in _RECORDED:
        table.add_column(column, justify="right")
    for row in recorded:
        table.add_row(titles.get(row.peer, row.peer), *_recorded(row))
    console.print(table)


def _with_a_ledger(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.commits is not None and row.peer != FLOOR]


_RECORDED = ("CPU µs", "commits per payment", "statements per commit", "the server's CPU µs")


def _recorded(row: Row) -> list[str]:
    given = ((row.added, 0), (row.commits, 3), (row.together, 1), (row.server, 0))
    return ["-" if spread is None else _spread(spread, digits) for spread, digits in given]


def _cells(row: Row) -> list[str]:
    return [
        _spread(row.cost, 0),
        "-" if row.ratio is None else _spread(row.ratio, 1),
        f"{row.per_second.median:,.0f}",
        f"{row.p50.median * 1e3:.1f}",
        f"{row.p99.median * 1e3:.1f}",
        "-" if row.asked is None else f"{row.asked.median:.2f}",
    ]


def _spread(spread: Spread, digits: int) -> str:
    return f"{spread.median:,.{digits}f} ({spread.least:,.{digits}f} - {spread.most:,.{digits}f})"


def markdown(rows: Sequence[Row], titles: Mapping[str, str]) -> str:
    """The same for documents."""
    head = f"| proxy | {' | '.join(_COLUMNS)} |\n|---|{'---:|' * len(_COLUMNS)}\n"
    tables = []
    for workload in dict.fromkeys(row.workload for row in rows):
        chosen = sorted((row for row in rows if row.workload == workload), key=lambda row: row.cost.median)
        lines = [" | ".join(["", titles.get(row.peer, row.peer), *_cells(row), ""]).strip() for row in chosen]
        tables.append(f"**{workload}**\n\n{head}" + "\n".join(lines) + "\n")
    if recorded := _with_a_ledger(rows):
        head = f"| proxy | {' | '.join(_RECORDED)} |\n|---|---:|---:|---:|---:|\n"
        lines = [" | ".join(["", titles.get(row.peer, row.peer), *_recorded(row), ""]).strip() for row in recorded]
        tables.append(f"**What a payment costs beyond {titles.get(FLOOR, FLOOR)}**\n\n{head}" + "\n".join(lines) + "\n")
    return "\n".join(tables)


def keep(name: str, document: Mapping[str, object]) -> Path:
    """Write ``document`` to the results as JSON; the path it has."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    return path


def document(
    machine: Mapping[str, str], options: Mapping[str, object], samples: Sequence[Sample], rows: Sequence[Row]
) -> dict[str, object]:
    return {
        "machine": machine,
        "options": options,
        "rows": [asdict(row) for row in rows],
        "samples": [asdict(sample) for sample in samples],
    }
