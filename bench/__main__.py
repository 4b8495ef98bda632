"""``python -m bench``: CPU per request and latency of Payguard and its peers, in interleaved rounds of one run."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.console import Console

from bench.compare import BASE, Options, Sample, compare, rows
from bench.load import LoadFailed, generator
from bench.machine import machine
from bench.peers import NotStarted
from bench.picture import draw
from bench.profile import profile
from bench.report import document, keep, markdown, show, show_recorded
from bench.running import TITLES, chosen, console, started
from bench.workload import WORKLOADS


@click.command()
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 100))
@click.option("--seconds", default=3.0, show_default=True, type=click.FloatRange(1, 60), help="Of each measurement.")
@click.option("--connections", default=32, show_default=True, type=click.IntRange(1, 1000))
@click.option("--only", metavar="NAMES", help=f"Some of {', '.join(TITLES)}. Ratios need {BASE}.")
@click.option("--load", type=click.Choice(["wrk", "asyncio"]), help="[default: wrk, where it is installed]")
@click.option("--profile", "profiled", is_flag=True, help="Afterwards, profile Payguard under the POST.")
def main(*, rounds: int, seconds: float, connections: int, only: str | None, load: str | None, profiled: bool) -> None:
    """Compare CPU per request and latency in interleaved rounds; ratios are medians of per-round ratios."""
    screen = console()
    options = Options(rounds, seconds, connections=connections)
    name, generate = generator(load)
    where = machine()
    screen.print(f"{where['processor']}, load average {where['load average']}, load by {name}, {options}")
    try:
        with started(chosen(only), screen) as (site, peers):
            samples = compare(peers, WORKLOADS, generate, options, lambda sample: _tell(screen, sample))
            if profiled:
                profile(site, generate, screen)
    except (LoadFailed, NotStarted) as failure:
        raise click.ClickException(str(failure)) from failure
    _report(screen, samples, where, {**asdict(options), "load": name})


def _tell(screen: Console, sample: Sample) -> None:
    screen.print(
        f"round {sample.round + 1}  {sample.workload:<15} {sample.peer:<18} {sample.cost:>8,.0f} µs"
        f"  {sample.requests:>8,} requests",
        highlight=False,
    )


def _report(screen: Console, samples: list[Sample], where: dict[str, str], options: dict[str, object]) -> None:
    table = rows(samples)
    show(screen, table, TITLES)
    show_recorded(screen, table, TITLES)
    kept = keep("compare", document(where, options, samples, table))
    kept.with_suffix(".md").write_text(markdown(table, TITLES))
    screen.print(f"Samples, and the tables as Markdown beside them: {kept}", soft_wrap=True)
    if any(row.ratio for row in table):
        screen.print(f"Picture: {draw(table, TITLES, kept.with_suffix('.png'))}", soft_wrap=True)


if __name__ == "__main__":
    main()
