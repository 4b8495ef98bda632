"""``python -m bench.limits``: what a decision over three limits costs, and what memory ten million keys take."""

from __future__ import annotations

import asyncio
import gc
import statistics
from collections.abc import Awaitable, Callable
from time import process_time

import click
import psutil
import uvloop
from rich.table import Table

from bench.running import console
from gateway import Exchange, Principal
from gateway.store.memory import MemoryStore
from gateway.store.redis import RedisStore
from gateway.testing import HandScope, exchange
from plugins.rate_limit.blocks import Blocks, BlocksConfig
from plugins.rate_limit.filter import RateLimit
from plugins.rate_limit.options import RateLimitConfig

LIMITS = {
    "limits": [
        {"per": "user", "limit": "900000000/minute"},
        {"per": "ip", "limit": "900000000/minute"},
        {"limit": "900000000/minute"},
    ],
    "block": {"after": 5, "within": "10m", "for": "15m"},
}

Step = Callable[[Exchange], Awaitable[object]]


async def nothing(_: Exchange) -> None:
    """What calling a filter costs by itself."""


def limiter(store: MemoryStore | RedisStore) -> RateLimit:
    lent = HandScope(store=store)
    lent.components = [Blocks(BlocksConfig(), lent)]
    return RateLimit(RateLimitConfig.model_validate(LIMITS), lent)


def requests(count: int, users: int) -> list[Exchange]:
    """Of so many users, each at an address of their own."""
    known = [(Principal(f"user{user}"), _address(user)) for user in range(users)]
    return [exchange(facts=[known[n % users][0]], client=known[n % users][1]) for n in range(count)]


def _address(number: int) -> str:
    return f"{number >> 24 & 255}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


async def cost(step: Step, asked: list[Exchange], concurrent: int = 1) -> float:
    """CPU microseconds of one."""

    async def client(first: int) -> None:
        for each in asked[first::concurrent]:
            await step(each)

    gc.collect()
    began = process_time()
    if concurrent == 1:
        await client(0)
    else:
        await asyncio.gather(*(client(first) for first in range(concurrent)))
    return (process_time() - began) / len(asked) * 1e6


async def costs(rounds: int, count: int, redis: str | None) -> Table:
    """In interleaved rounds; the empty filter's cost is part of every other."""
    memory, crowded = limiter(MemoryStore()), limiter(MemoryStore())
    few, many = requests(500, 500) * (count // 500 or 1), requests(count, count)  # as fresh as one that just came
    runs: dict[str, Callable[[], Awaitable[float]]] = {
        "a filter that does nothing": lambda: cost(nothing, few),
        "three limits in memory, 500 users": lambda: cost(memory.on_request, few),
        "three limits in memory, each request another user": lambda: cost(crowded.on_request, many),
    }
    store = None if redis is None else RedisStore(redis, timeout=1.0)
    if store is not None:
        await store.open()
        shared = limiter(store)
        runs["three limits in Redis, one at a time"] = lambda: cost(shared.on_request, few)
        runs["three limits in Redis, 32 at once"] = lambda: cost(shared.on_request, few, 32)
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(await run())
    if store is not None:
        await store.close()
    table = Table(title=f"CPU µs per decision, {rounds} rounds of {count:,}", title_justify="left")
    for column in ("decision", "least", "median"):
        table.add_column(column)
    for name, each in found.items():
        table.add_row(name, f"{min(each):.1f}", f"{statistics.median(each):.1f}")
    return table


async def flood(keys: int) -> list[tuple[int, int, int]]:
    """Distinct users and addresses, one request each: how many there were, keys in the store, and bytes in memory."""
    store = MemoryStore()
    step, process = limiter(store), psutil.Process()
    seen = []
    for number in range(keys):
        await step.on_request(exchange(facts=[Principal(f"user{number}")], client=_address(number)))
        if not (number + 1) % max(1, keys // 10):
            seen.append((number + 1, len(store), process.memory_info().rss))
    return seen


@click.command()
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(1))
@click.option("--count", default=20_000, show_default=True, type=click.IntRange(100))
@click.option("--redis", metavar="URL", help="Measure over this Redis as well.")
@click.option("--keys", default=0, type=click.IntRange(0), help="Flood the store in memory with so many distinct keys.")
def main(*, rounds: int, count: int, redis: str | None, keys: int) -> None:
    """Measure what a decision costs."""
    screen = console()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if not keys:
            screen.print(runner.run(costs(rounds, count, redis)))
            return
        for number, held, memory in runner.run(flood(keys // 2)):
            screen.print(
                f"{2 * number:>12,} keys seen  {held:>8,} held  {memory / (1 << 20):>7.1f} MiB", highlight=False
            )


if __name__ == "__main__":
    main()
