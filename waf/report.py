"""What is shown and kept of a measurement: tables, the worst misses, JSON, and whether the targets are met."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .encodings import ENCODINGS
from .measuring import SHOWN, Cell, Measured

RESULTS = Path(__file__).parent / "results"

FOUND = 0.97
"""Of SQL injection and cross-site scripting, at least."""

REFUSED = 0.005
"""Of ordinary and awkward text, at most."""

BEHIND = 0.005
"""By how much an encoding may be behind the plain attack, at most."""


def families(measured: Measured) -> list[str]:
    return list(dict.fromkeys(family for family, _, _ in measured.attacks))


def shortfalls(measured: Measured) -> list[str]:
    """The targets that are missed."""
    return [*_missed(measured), *_behind(measured)]


def _missed(measured: Measured) -> Iterator[str]:
    for family in ("sqli", "xss"):
        if (found := measured.of(family).found) < FOUND:
            yield f"{family}: {found:.2%} found, {FOUND:.0%} asked for"
    if (refused := 1 - measured.refused().found) > REFUSED:
        yield f"ordinary text: {refused:.2%} refused, {REFUSED:.1%} allowed"


def _behind(measured: Measured) -> Iterator[str]:
    for family in ("sqli", "xss"):
        plain = measured.of(family, "plain", sqlmap_tampers=False).found
        for encoding in ENCODINGS:
            if (found := measured.of(family, encoding, sqlmap_tampers=False).found) < plain - BEHIND:
                yield f"{family}, {encoding}: {found:.2%} found, {plain:.2%} of the plain ones"


def show(screen: Console, measured: Measured) -> None:
    screen.print(_attacks(measured))
    screen.print(_encodings(measured))
    screen.print(_ordinary(measured))
    for family in families(measured):
        _worst(screen, f"missed of {family}", measured.of(family))
    _worst(screen, "refused of ordinary text", measured.refused())
    for skipped in measured.skipped:
        screen.print(f"[bold red]NOT MEASURED[/]: {escape(skipped)}")


def _attacks(measured: Measured) -> Table:
    table = Table(title="Attacks found, by family and context", title_justify="left")
    for column in ("family", "context", "asked", "found"):
        table.add_column(column, justify="left" if column in ("family", "context") else "right")
    for family in families(measured):
        total = measured.of(family)
        table.add_row(family, "", f"{total.asked:,}", f"{total.found:.2%}", style="bold")
        for context in dict.fromkeys(where for its, where, _ in measured.attacks if its == family):
            cell = measured.of(family, context=context)
            table.add_row("", context, f"{cell.asked:,}", f"{cell.found:.2%}")
    return table


def _encodings(measured: Measured) -> Table:
    table = Table(title="Attacks found, by encoding", title_justify="left")
    for column in ("encoding", *families(measured)):
        table.add_column(column, justify="left" if column == "encoding" else "right")
    for encoding in ENCODINGS:
        cells = (measured.of(family, encoding) for family in families(measured))
        table.add_row(encoding, *(f"{cell.found:.2%}" if cell.asked else "-" for cell in cells))
    return table


def _ordinary(measured: Measured) -> Table:
    table = Table(title="Ordinary text refused", title_justify="left")
    for column in ("of", "asked", "refused"):
        table.add_column(column, justify="left" if column == "of" else "right")
    for context, cell in measured.ordinary.items():
        table.add_row(context, f"{cell.asked:,}", f"{1 - cell.found:.2%}")
    total = measured.refused()
    table.add_row("all", f"{total.asked:,}", f"{1 - total.found:.3%}", style="bold")
    return table


def _worst(screen: Console, title: str, cell: Cell) -> None:
    """The shortest of what was judged wrongly: the least that there is to say about it."""
    if cell.wrong:
        screen.print(f"[bold]The worst {min(SHOWN, len(cell.wrong))} of {len(cell.wrong)} {title}[/]")
    for text in worst(cell):
        screen.print(f"  {escape(repr(text)[:160])}", highlight=False)


def worst(cell: Cell) -> list[str]:
    return sorted(dict.fromkeys(cell.wrong), key=len)[:SHOWN]


def document(measured: Measured) -> dict[str, Any]:
    """All figures, for whoever compares two runs."""
    return {
        "found": {family: round(measured.of(family).found, 5) for family in families(measured)},
        "refused": round(1 - measured.refused().found, 5),
        "attacks": [
            {"family": family, "context": context, "encoding": encoding, "asked": cell.asked, "missed": len(cell.wrong)}
            for (family, context, encoding), cell in measured.attacks.items()
        ],
        "ordinary": {
            context: {"asked": cell.asked, "refused": len(cell.wrong)} for context, cell in measured.ordinary.items()
        },
        "worst": {family: worst(measured.of(family)) for family in families(measured)},
        "worst_refused": worst(measured.refused()),
        "cpu_seconds": round(measured.seconds, 2),
        "not_measured": measured.skipped,
        "shortfalls": shortfalls(measured),
    }


def keep(measured: Measured) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "report.json"
    path.write_text(json.dumps(document(measured), indent=1, ensure_ascii=True))
    return path
