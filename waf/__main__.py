"""``python -m waf``: what the detection engine finds and refuses; ends with 1 where a target is missed."""

from __future__ import annotations

import json
import sys

import click
from rich.console import Console

from .measuring import measure
from .report import document, keep, shortfalls, show


@click.command()
@click.option("--seed", default=1, show_default=True, help="Of everything that is thrown.")
@click.option(
    "--each", default=60, show_default=True, type=click.IntRange(1, 10000), help="Of every form of a grammar."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON alone.")
def main(*, seed: int, each: int, as_json: bool) -> None:
    """Measure the detection engine on attacks and on ordinary text."""
    measured = measure(seed, each)
    if as_json:
        click.echo(json.dumps(document(measured)))
    else:
        screen = Console(width=None if sys.stdout.isatty() else 120)
        show(screen, measured)
        screen.print(f"{measured.seconds:.1f} s of CPU, seed {seed}. Figures: {keep(measured)}", soft_wrap=True)
        for missed in shortfalls(measured):
            screen.print(f"[bold red]MISSED[/] {missed}")
    sys.exit(bool(shortfalls(measured)))


main()
