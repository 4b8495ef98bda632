"""The load: every connection asks without a pause, by wrk where it is installed, else by asyncio."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import uvloop

from bench.client import Connection
from bench.figures import quantile
from bench.workload import HOST, Workload

GRACE_SECONDS = 30.0
_SCRIPT = Path(__file__).parent / "load.lua"


class LoadFailed(Exception):
    """Answers that are not 2xx, or none: what was measured would not be what is meant."""


@dataclass(frozen=True)
class Load:
    """What a generator saw.  Latencies are in seconds."""

    requests: int
    seconds: float
    p50: float
    p99: float


Generator = Callable[[int, Workload, float, int], Load]
"""``(port, workload, seconds, connections)``"""


def generator(name: str | None = None) -> tuple[str, Generator]:
    """``wrk`` or ``asyncio`` with its name; by default the former where it is installed."""
    chosen = name or ("wrk" if shutil.which("wrk") else "asyncio")
    return chosen, {"wrk": wrk, "asyncio": closed_loop}[chosen]


def probe(port: int, workload: Workload) -> None:
    """One request; LoadFailed unless it is answered by 2xx."""

    async def once() -> int:
        connection = await Connection.open(port)
        try:
            return await asyncio.wait_for(connection.ask(workload.encode()), 10)
        finally:
            connection.close()

    status = asyncio.run(once())
    if not succeeded(status):
        raise LoadFailed(f"{workload.name}: {status} instead of 2xx")


def wrk(port: int, workload: Workload, seconds: float, connections: int) -> Load:
    """Load by wrk, one thread: a process of its own, so in nobody's figures."""
    probe(port, workload)  # wrk takes 3xx for success
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s", str(_SCRIPT)]
    argv += [f"http://127.0.0.1:{port}", "--", workload.method, workload.path, HOST]
    argv += [f"{name}:{value}" for name, value in workload.headers]
    argv += ["+Idempotency-Key"] if workload.keyed else []
    with tempfile.NamedTemporaryFile() as body:
        body.write(workload.body)
        body.flush()
        argv += [f"@{body.name}"] if workload.body else []
        done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS)
    seen = json.loads(done.stdout.splitlines()[-1])
    failures = seen.pop("failures")
    return checked(Load(**seen), failures, workload)


def closed_loop(port: int, workload: Workload, seconds: float, connections: int) -> Load:
    """Load by asyncio, in this process."""
    latencies: list[float] = []
    statuses: list[int] = []

    async def client(until: float) -> None:
        connection = await Connection.open(port)
        while (sent := perf_counter()) < until:
            statuses.append(await connection.ask(workload.encode()))
            latencies.append(perf_counter() - sent)
        connection.close()

    async def run() -> float:
        started = perf_counter()
        async with asyncio.timeout(seconds + GRACE_SECONDS), asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(client(started + seconds))
        return perf_counter() - started

    took = uvloop.run(run())
    return summary(latencies, statuses, took, workload)


def summary(latencies: Sequence[float], statuses: Sequence[int], seconds: float, workload: Workload) -> Load:
    ordered = sorted(latencies) or [0.0]
    failures = sum(not succeeded(status) for status in statuses)
    load = Load(len(latencies), seconds, quantile(ordered, 0.5), quantile(ordered, 0.99))
    return checked(load, failures, workload)


def checked(load: Load, failures: int, workload: Workload) -> Load:
    """``load``, where all of it succeeded and there was some; else LoadFailed."""
    if failures or not load.requests:
        raise LoadFailed(f"{workload.name}: {failures} of {load.requests} failed")
    return load


def succeeded(status: int) -> bool:
    return 200 <= status < 300
