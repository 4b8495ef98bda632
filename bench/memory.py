"""Memory: of a process at rest, and whether it grows with the requests that it serves."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.figures import Line
from bench.load import Generator
from bench.peers import Running
from bench.running import TITLES
from bench.workload import POST

_MIB = 1 << 20
_SLICE_SECONDS = 2.0
_IDLE_SECONDS = 5.0
_WARMUP_SHARE = 0.2
_GROWTH = 1.0
"""Bytes per request that count as growth: a MiB in a million requests."""


@dataclass(frozen=True)
class Soak:
    """Memory of one process over many requests.

    ``points`` are (requests served so far, resident bytes), ``anonymous`` those without pages of files.
    """

    peer: str
    idle: int
    points: tuple[tuple[int, int], ...]
    anonymous: tuple[tuple[int, int], ...]

    @property
    def requests(self) -> int:
        return self.points[-1][0]

    @property
    def line(self) -> Line:
        """Through the points after the warm-up."""
        return self._line(self.points)

    @property
    def own_line(self) -> Line:
        """Through the anonymous ones: those of files come and go as the kernel likes."""
        return self._line(self.anonymous)

    def _line(self, points: Sequence[tuple[int, int]]) -> Line:
        warm = [point for point in points if point[0] >= _WARMUP_SHARE * self.requests]
        return Line.through([x for x, _ in warm], [y for _, y in warm])


def verdict(line: Line) -> str:
    """What two standard errors to both sides of the slope allow to say."""
    if line.slope - 2 * line.error > _GROWTH:
        return "GROWS"
    if line.slope + 2 * line.error < _GROWTH:
        return "flat"
    return "undecided: run longer"


def soak(running: Running, load: Generator, requests: int, connections: int, told: Callable[[int], None]) -> Soak:
    """Load it in slices until ``requests`` are served; after each, read its memory and empty its log."""
    process = running.process
    time.sleep(_IDLE_SECONDS)
    idle = process.rss()
    served = 0
    points, anonymous = [], []
    while served < requests:
        served += load(running.port, POST, _SLICE_SECONDS, connections).requests
        points.append((served, process.rss()))
        anonymous.append((served, process.anonymous()))
        process.forget_log()
        told(served)
    return Soak(running.peer.name, idle, tuple(points), tuple(anonymous))


def show_memory(screen: Console, memory: Sequence[Soak]) -> None:
    table = Table(title="Resident memory", title_justify="left")
    table.add_column("proxy", no_wrap=True)
    for column in ("idle MiB", "at the end MiB", "requests", "bytes/request after warm-up", "anonymous", "verdict"):
        table.add_column(column, justify="right")
    for row in memory:
        line, own = row.line, row.own_line
        table.add_row(
            TITLES[row.peer],
            f"{row.idle / _MIB:.1f}",
            f"{row.points[-1][1] / _MIB:.1f}",
            f"{row.requests:,}",
            f"{line.slope:+.2f} ± {line.error:.2f}",
            f"{own.slope:+.2f} ± {own.error:.2f}",
            verdict(own),
        )
    screen.print(table)
