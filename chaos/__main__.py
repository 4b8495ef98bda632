"""``python -m chaos``: payments pass real gateways while everything goes wrong, and books are compared."""

from __future__ import annotations

import asyncio
import secrets
import sys
from dataclasses import replace
from typing import Any, Literal, get_args

import click
from rich.console import Console

from chaos import report
from chaos.plan import Fault, Kind, Trouble
from chaos.run import Result, run
from chaos.site import Options

Database = Literal["sqlite", "postgres"]

FULL: dict[Database, dict[str, Any]] = {
    "sqlite": {"each": 300, "kills_each": 12},
    "postgres": {"each": 200, "kills_each": 40},
}
MANY: dict[str, Any] = {"payments": 20_500, "clean": 500, "kills": 155}
"""Of each database: at least 20,000 payments that meet faults, and 150 gateways killed."""


def _some(kind: Any) -> Any:
    return click.Choice([str(each) for each in kind])


@click.command()
@click.option("--seed", type=int, help="[default: drawn, and said]")
@click.option("--full", is_flag=True, help="More than 20,000 payments and 150 kills on each database.")
@click.option("--database", type=click.Choice(get_args(Database)), help="[default: both]")
@click.option("--payments", type=click.IntRange(1), help="Of each database.")
@click.option("--keep", is_flag=True, help="Keep books and logs also where nothing was found.")
@click.option("--trouble", "troubles", multiple=True, type=_some(Trouble), help="Only these troubles of gateways.")
@click.option("--fault", "faults", multiple=True, type=_some(Fault), help="Only these faults of the upstream.")
@click.option("--kind", "kinds", multiple=True, type=_some(Kind), help="Only these kinds of upstream.")
def main(
    *,
    seed: int | None,
    full: bool,
    database: Database | None,
    payments: int | None,
    keep: bool,
    troubles: tuple[str, ...],
    faults: tuple[str, ...],
    kinds: tuple[str, ...],
) -> None:
    """Let everything go wrong.  Exit code 1 where a payment was lost, sent twice or told wrong."""
    found = Console()
    console = found if found.is_terminal else Console(width=170)
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    console.print(f"seed {seed}", highlight=False)
    results: list[Result] = []
    for each in get_args(Database) if database is None else (database,):
        options = Options(
            seed,
            each,
            troubles=tuple(map(Trouble, troubles)),
            faults=tuple(map(Fault, faults)),
            kinds=tuple(map(Kind, kinds)) or tuple(Kind),
            keep=keep,
            **(MANY | FULL[each] if full else {}),
        )
        options = options if payments is None else replace(options, payments=payments, clean=min(200, payments // 5))
        results.append(asyncio.run(run(options, lambda line: console.print(line, highlight=False))))
        report.tell(console, results[-1])
    console.print(f"Figures, and the tables as Markdown beside them: {report.keep(results)}", soft_wrap=True)
    for result in results:
        if result.findings or keep:
            console.print(f"Books and logs on {result.options.database}: {result.folder}")
    if bad := [result for result in results if result.findings]:
        console.print(f"[red]Not well[/] on {' and '.join(result.options.database for result in bad)}")
        console.print(f'Once more: make chaos ARGS="{" ".join(_again(sys.argv[1:], seed))}"', highlight=False)
        sys.exit(1)


def _again(arguments: list[str], seed: int) -> list[str]:
    quoted = [f"'{each}'" if " " in each else each for each in arguments]
    return quoted if any(each.startswith("--seed") for each in quoted) else ["--seed", str(seed), *quoted]


if __name__ == "__main__":
    main()
