"""Latency at one fixed rate: what a proxy adds when it is not saturated, beside nginx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.arrivals import at_rate
from bench.figures import Spread
from bench.load import Load
from bench.peers import Running
from bench.running import TITLES
from bench.workload import POST


@dataclass(frozen=True)
class Steady:
    """Latencies of one proxy at a fixed rate, in seconds, over rounds."""

    peer: str
    p50: Spread
    p99: Spread


def steady(peers: Sequence[Running], rate: float, seconds: float, rounds: int) -> list[Steady]:
    """Every peer in every round, so that all see the same noise."""
    loads: dict[str, list[Load]] = {running.peer.name: [] for running in peers}
    for _ in range(rounds):
        for running in peers:
            loads[running.peer.name].append(at_rate(running.port, POST, rate, seconds))
    return [
        Steady(name, Spread.of([load.p50 for load in seen]), Spread.of([load.p99 for load in seen]))
        for name, seen in loads.items()
    ]


def show_steady(screen: Console, latencies: Sequence[Steady], rate: float) -> None:
    table = Table(title=f"Latency at {rate:,.0f} requests/s: median (least - most) of rounds", title_justify="left")
    table.add_column("proxy", no_wrap=True)
    for column in ("p50 ms", "p99 ms"):
        table.add_column(column, justify="right")
    for row in latencies:
        table.add_row(TITLES[row.peer], _milliseconds(row.p50), _milliseconds(row.p99))
    screen.print(table)


def _milliseconds(spread: Spread) -> str:
    return f"{spread.median * 1e3:.2f} ({spread.least * 1e3:.2f} - {spread.most * 1e3:.2f})"
