"""``python -m bench.soak``: idle memory, memory over a million requests, and latency at one fixed rate beside nginx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import Progress

from bench.load import LoadFailed, generator
from bench.machine import machine
from bench.memory import Soak, show_memory, soak
from bench.peers import NotStarted, Peer
from bench.report import keep
from bench.running import chosen, console, started
from bench.steady import Steady, show_steady, steady

_BESIDE = "nginx,haproxy,payguard,payguard-payments"
_SOAKED = "payguard,payguard-payments"


@click.command()
@click.option("--requests", default=1_000_000, show_default=True, type=click.IntRange(1), help="Of each soaked proxy.")
@click.option("--connections", default=32, show_default=True, type=click.IntRange(1, 1000))
@click.option("--rate", default=500.0, show_default=True, type=click.FloatRange(1), help="Requests a second.")
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(1, 600), help="At that rate.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 100), help="At that rate.")
@click.option("--beside", default=_BESIDE, show_default=True, metavar="NAMES", help="At that rate.")
@click.option("--soaked", default=_SOAKED, show_default=True, metavar="NAMES")
def main(
    *, requests: int, connections: int, rate: float, seconds: float, rounds: int, beside: str, soaked: str
) -> None:
    """Measure idle memory, growth over many requests, and latency at a fixed rate."""
    screen = console()
    try:
        latencies = _steady(screen, chosen(beside), rate, seconds, rounds)
        show_steady(screen, latencies, rate)
        memory = [grown for peer in chosen(soaked) if (grown := _soak(screen, peer, requests, connections))]
        show_memory(screen, memory)
    except (LoadFailed, NotStarted) as failure:
        raise click.ClickException(str(failure)) from failure
    figures = {"steady": [asdict(row) for row in latencies], "memory": [asdict(row) for row in memory]}
    screen.print(f"Samples: {keep('soak', {'machine': machine(), 'rate': rate, **figures})}", soft_wrap=True)


def _steady(screen: Console, peers: Sequence[Peer], rate: float, seconds: float, rounds: int) -> list[Steady]:
    with started(peers, screen) as (_, running):
        return steady(running, rate, seconds, rounds)


def _soak(screen: Console, peer: Peer, requests: int, connections: int) -> Soak | None:
    """One proxy, alone and fresh; None where it is not installed."""
    _, load = generator()
    with started([peer], screen) as (_, running), Progress(console=screen, transient=True) as progress:
        task = progress.add_task(peer.title, total=requests)
        for one in running:
            return soak(one, load, requests, connections, lambda served: progress.update(task, completed=served))
    return None


if __name__ == "__main__":
    main()
