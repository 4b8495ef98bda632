"""``python -m bench.cache``: a hit, a miss and a pass-through of the same GET, in interleaved rounds of one process.

The sockets are taken out, so what a hit saves the kernel is not counted: on real sockets, as ``make bench`` has them,
its share is smaller.  The exit code is 1 where a hit asked the backend.
"""

from __future__ import annotations

import gc
import os
import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import click
import uvloop
from rich.table import Table

from bench.path import Path as Road
from bench.path import data_plane
from bench.running import console
from bench.workload import GET
from gateway import Exchange, Filter
from gateway.facts import Principal
from gateway.parts import Config
from gateway.telemetry.lines import Lines
from gateway.telemetry.log import ExchangeLog
from gateway.telemetry.masking import Masking
from gateway.testing import scope
from plugins.cache.component import Cache
from plugins.cache.filter import CacheFilter
from plugins.cache.options import CacheConfig, TiersConfig

ROWS = ("pass-through", "hit", "miss, kept", "miss, not kept")
AGES = "10000d"
"""The origin of `bench.path` answers with the same Date for ever."""


class Named(Filter[Config]):
    """Puts a principal, as the filter above a cache does."""

    name = "principal"
    provides = (Principal,)

    def __init__(self) -> None: ...  # neither options nor a scope

    async def on_request(self, exchange: Exchange) -> None:
        exchange.put(Principal("bench"))


class Forgetting(Filter[Config]):
    """Stands above a cache and lets go of what it keeps: each request is a miss."""

    name = "forgetting"

    def __init__(self, cache: Cache) -> None:
        self._memory = cache.memory

    async def on_request(self, exchange: Exchange) -> None:
        for entry in self._memory:
            self._memory.delete(entry.key)


class Counting(Filter[Config]):
    """Stands for the backend's log: what passes it, the backend is asked."""

    name = "counting"

    def __init__(self, asked: Counter[str], row: str) -> None:
        self._asked, self._row = asked, row

    async def on_request(self, exchange: Exchange) -> None:
        self._asked[self._row] += 1


@dataclass
class Row:
    name: str
    path: Road
    micros: list[float]


def row(name: str, asked: Counter[str], lines: Lines) -> Row:
    lent = scope()
    cache = Cache(TiersConfig(), lent)
    lent.components = [cache]
    options = {"ttl": None if name == "miss, not kept" else AGES, "longest": AGES, "coalesce": name == "hit"}
    kept: list[Filter] = [] if name == "pass-through" else [CacheFilter(CacheConfig.model_validate(options), lent)]
    if name == "miss, kept":
        kept.insert(0, Forgetting(cache))
    log = ExchangeLog(Masking(), lines)
    steps = [Named(), *kept, Counting(asked, name)]
    return Row(name, Road(data_plane(steps, [log.ended]), request=GET.encode()), [])


async def measure(rounds: int, count: int, null: int) -> tuple[list[Row], Counter[str]]:
    """``null`` is where log lines go."""
    asked: Counter[str] = Counter()
    lines = Lines(null)
    rows = [row(name, asked, lines) for name in ROWS]
    for each in rows:
        await each.path.serve(200)
    asked.clear()
    for _ in range(rounds):
        for each in rows:
            gc.collect()
            began = process_time()
            await each.path.serve(count)
            each.micros.append((process_time() - began) / count * 1e6)
    return rows, asked


@click.command()
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(1, 100))
@click.option("--requests", default=2000, show_default=True, type=click.IntRange(100, 100_000), help="Of each round.")
def main(*, rounds: int, requests: int) -> None:
    """CPU per request without sockets; ratios are medians of per-round ratios."""
    with Path(os.devnull).open("wb") as null:
        rows, asked = uvloop.run(measure(rounds, requests, null.fileno()))
    table = Table(title=f"GET, {rounds} rounds of {requests:,} requests")
    for heading in ("", "µs", "of a pass-through", "backend asked"):
        table.add_column(heading, justify="left" if not heading else "right")
    base = rows[0].micros
    for each in rows:
        share = statistics.median(mine / its for mine, its in zip(each.micros, base, strict=True))
        cells = f"{statistics.median(each.micros):.0f}", f"{share:.2f}", f"{asked[each.name]:,}"
        table.add_row(each.name, *cells)
    console().print(table)
    raise SystemExit(1 if asked["hit"] else 0)


if __name__ == "__main__":
    main()
