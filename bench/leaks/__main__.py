"""``python -m bench.leaks``: payments with cards wherever a client could put them, and where one was written."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from bench.leaks.places import PLACES
from bench.leaks.run import Result, run
from bench.running import console


@click.command()
@click.option("--payments", default=2000, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--seed", default=1, show_default=True)
@click.option("--canary", is_flag=True, help="Switch one masking off, to see that the scan finds it.")
def leaks(payments: int, seed: int, *, canary: bool) -> None:
    """Send payments, each with a card of its own in another place, and look for every number in all that was written.

    The log at its most talkative, spans, metrics, problems, the admin API, the database's files, the exported audit
    trail, a dump of Redis, and what the backend got in the fields that are encrypted or hold a token.  Exit code 1
    where a number was found.
    """
    logging.getLogger("payguard.clients").setLevel(logging.CRITICAL)  # the backend breaks answers off on purpose
    with tempfile.TemporaryDirectory(prefix="payguard-leaks-") as folder:
        result = asyncio.run(run(Path(folder), payments, seed, canary=canary))
    _report(result, payments, console())
    sys.exit(any(output.found for output in result.outputs))


def _report(result: Result, payments: int, console: Console) -> None:
    table = Table(Column("output"), Column("bytes", justify="right"), Column("numbers found", justify="right"))
    for output in result.outputs:
        table.add_row(output.name, f"{output.size:,}", f"{len(output.found):,}")
    console.print(f"{payments:,} requests, each with a number of its own, in {len(PLACES)} places in turn")
    console.print(table)
    statuses = ", ".join(f"{status or 'closed'}: {count:,}" for status, count in sorted(result.statuses.items()))
    console.print(f"answers {statuses}; {result.forwarded:,} reached the backend; {result.spans:,} spans")
    console.print(
        ", ".join(f"{name}: {count:,}" for name, count in result.rows.items()), f"revealed: {result.revealed:,}"
    )
    for place, count in result.places.most_common():
        console.print(f"[red]{count:,} found that stood in: {place}")


leaks()
