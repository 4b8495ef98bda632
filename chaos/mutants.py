"""``python -m chaos.mutants``: the gateway with one safeguard taken away at a time; the judge must notice each.

A mutant that nobody notices means that the judge is blind there, or that the safeguard guards nothing.  ``--control``
runs the same plans with the gateway as it is, of which nothing may be noticed: else the judge sees what is not there.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import click
from rich.console import Console
from rich.table import Table

from chaos.client import WITHIN
from chaos.judge import Check
from chaos.plan import WINDOW, Fault, Kind, Trouble
from chaos.run import Result, run
from chaos.site import Options

FOLDER = Path(__file__).parent / "mutation"


@dataclass(frozen=True, slots=True)
class Mutant:
    """``name`` is that of its function in ``chaos/mutation/mutant.py``; the faults are those that bring it out."""

    name: str
    title: str
    faults: tuple[Fault, ...] = (Fault.NONE,)
    kinds: tuple[Kind, ...] = (Kind.NAKED,)
    troubles: tuple[Trouble, ...] = (Trouble.NONE,)
    clicks: int | None = None
    within: float = WITHIN
    database: Literal["sqlite", "postgres"] = "sqlite"
    payments: int = 160
    events: int = 6
    pace: float = 40.0
    beyond: tuple[float, float] = (0.2, 2.5)
    away: tuple[float, float] = (1.0, 3.0)
    checks: frozenset[Check] = field(default_factory=lambda: frozenset(Check))
    """One of these must find something."""


MUTANTS = (
    Mutant(
        "no_fsync",
        "commits are not on the disk when they return",
        troubles=(Trouble.UNSYNCED,),
        checks=frozenset({Check.FORGOTTEN, Check.SENT_TWICE, Check.EXECUTED_TWICE}),
    ),
    Mutant(
        "release_on_timeout",
        "a timeout counts as not executed",
        faults=(Fault.HANG_AFTER_COMMIT, Fault.NONE),
        checks=frozenset({Check.SENT_TWICE, Check.EXECUTED_TWICE}),
    ),
    Mutant(
        "resend_after_unknown",
        "what may have arrived is sent again",
        faults=(Fault.DROPPED, Fault.ERROR_AFTER, Fault.NONE),
        checks=frozenset({Check.SENT_TWICE, Check.EXECUTED_TWICE}),
    ),
    Mutant(
        "failed_on_a_miss",
        "a look-up that finds nothing proves a failure",
        faults=(Fault.DELAYED, Fault.NONE),
        kinds=(Kind.LATE,),
        checks=frozenset({Check.CALLED_FAILED}),
    ),
    Mutant(
        "absence_too_early",
        "absence counts before never_executes_after is over",
        faults=(Fault.DELAYED, Fault.NONE),
        checks=frozenset({Check.CALLED_FAILED}),
    ),
    Mutant(
        "any_amount",
        "success without an equal amount",
        faults=(Fault.OTHER_AMOUNT, Fault.NONE),
        checks=frozenset({Check.CALLED_SUCCEEDED}),
    ),
    Mutant(
        "outcome_before_answer",
        "the outcome is written before the answer",
        faults=(Fault.HANG, Fault.RESET_BEFORE, Fault.NONE),
        checks=frozenset({Check.CALLED_SUCCEEDED}),
    ),
    Mutant(
        "sent_after_first_byte",
        "sent is written after the first byte",
        faults=(Fault.SLOW,),
        troubles=(Trouble.KILL,),
        checks=frozenset({Check.SENT_TWICE, Check.CALLED_FAILED}),
    ),
    Mutant("unbound_keys", "keys are not bound to owners", checks=frozenset({Check.NOT_OURS})),
    Mutant(
        "other_answer",
        "a repeat is given another payment's answer",
        checks=frozenset({Check.NOT_OURS}),
    ),
    Mutant(
        "no_cas_on_send",
        "it is sent whoever has the claim by now",
        troubles=(Trouble.FREEZE,),
        events=8,
        pace=30.0,
        beyond=(2.0, 3.0),
        clicks=2,  # the other click takes the claim over, and this one still waits
        within=8.0,
        database="postgres",
        payments=300,
        checks=frozenset({Check.SENT_TWICE, Check.EXECUTED_TWICE}),
    ),
    Mutant(
        "window_ignored",
        "it is sent again after the window of its key",
        faults=(Fault.HANG_AFTER_COMMIT,),
        kinds=(Kind.DEDUPLICATING,),
        troubles=(Trouble.AWAY,),
        events=1,
        away=(WINDOW + 2, WINDOW + 3),
        payments=60,
        checks=frozenset({Check.EXECUTED_TWICE}),
    ),
)


def options(mutant: Mutant, seed: int, *, control: bool = False) -> Options:
    """Of the gateway as it is where this is the ``control``."""
    return Options(
        seed,
        mutant.database,
        payments=mutant.payments,
        clean=0,
        each=mutant.payments,
        kills=0,
        events=mutant.events,
        pace=mutant.pace,
        beyond=mutant.beyond,
        away=mutant.away,
        clicks=mutant.clicks,
        within=mutant.within,
        troubles=mutant.troubles,
        faults=mutant.faults,
        kinds=mutant.kinds,
        arguments=("--plugin-dir", str(FOLDER)),
        settings=() if control else (("CHAOS_MUTANT", mutant.name),),
        settles_within=30.0,
    )


def caught_by(mutant: Mutant, result: Result) -> Counter[Check]:
    """What found it, of that which should."""
    return Counter(finding.check for finding in result.findings if finding.check in mutant.checks)


@click.command()
@click.option("--seed", default=1, show_default=True)
@click.option("--only", multiple=True, type=click.Choice([mutant.name for mutant in MUTANTS]))
@click.option("--control", is_flag=True, help="The same plans, and the gateway as it is.")
def main(*, seed: int, only: tuple[str, ...], control: bool) -> None:
    """Let each mutant pass payments.  Exit code 1 where one was not noticed."""
    console = Console(width=150)
    table = Table(title="the gateway as it is" if control else "mutants of the gateway", title_justify="left")
    for column in ("mutant", "what it does", "database", "payments", "seconds", "caught by"):
        table.add_column(column)
    wrong = []
    for mutant in MUTANTS:
        if only and mutant.name not in only:
            continue
        given = options(mutant, seed, control=control)
        result = asyncio.run(run(given, lambda line: console.print(f"[dim]{line}[/]")))
        shutil.rmtree(result.folder, ignore_errors=True)
        found = caught_by(mutant, result)
        if bool(found) is control:
            wrong.append(mutant.name)
        said = "; ".join(f"{check} ×{count}" for check, count in found.most_common()) or "nobody"
        console.print(f"{mutant.name}: {said}", highlight=False)
        cells = (mutant.name, mutant.title, mutant.database, f"{len(result.cases)}", f"{result.took:.0f}", said)
        table.add_row(*cells)
    console.print(table)
    if wrong:
        console.print(f"[red]{'noticed' if control else 'not noticed'}[/]: {', '.join(wrong)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
