"""Load at a fixed rate: requests are due on a schedule, whether or not earlier ones have been answered."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

import uvloop

from bench.client import Connection
from bench.load import GRACE_SECONDS, Load, summary
from bench.workload import Workload


def at_rate(port: int, workload: Workload, rate: float, seconds: float, connections: int = 64) -> Load:
    """``rate`` requests a second for so many seconds.

    A latency counts from when its request was due: one that waits for a free connection has waited.  So a proxy that
    stalls cannot hide it by being asked less (coordinated omission).
    """
    latencies: list[float] = []
    statuses: list[int] = []

    async def one(idle: asyncio.Queue[Connection], due: float) -> None:
        connection = await idle.get()
        statuses.append(await connection.ask(workload.encode()))
        latencies.append(perf_counter() - due)
        idle.put_nowait(connection)

    async def run() -> float:
        idle = await _connections(port, connections, workload)
        started = perf_counter() + 0.05
        async with asyncio.timeout(seconds + GRACE_SECONDS), asyncio.TaskGroup() as group:
            await _paced(started, rate, int(rate * seconds), lambda due: group.create_task(one(idle, due)))
        while not idle.empty():
            idle.get_nowait().close()
        return perf_counter() - started

    with _no_pauses():
        took = uvloop.run(run())
    return summary(latencies, statuses, took, workload)


async def _connections(port: int, count: int, workload: Workload) -> asyncio.Queue[Connection]:
    """Open connections that have answered once."""
    idle: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(count):
        connection = await Connection.open(port)
        await connection.ask(workload.encode())
        idle.put_nowait(connection)
    return idle


async def _paced(started: float, rate: float, count: int, start: Callable[[float], object]) -> None:
    """Call ``start`` when each request is due.

    A thread sleeps in between: the loop's own timers are a millisecond coarse, which is what is measured.
    """
    loop = asyncio.get_running_loop()

    def pace() -> None:
        for number in range(count):
            due = started + number / rate
            time.sleep(max(due - perf_counter(), 0.0))
            loop.call_soon_threadsafe(start, due)

    thread = threading.Thread(target=pace, daemon=True)
    thread.start()
    await loop.run_in_executor(None, thread.join)


@contextmanager
def _no_pauses() -> Iterator[None]:
    """No garbage collection here: it would be taken for a pause of the proxy."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
