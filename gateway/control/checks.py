"""The core's own checks: the event loop, the policy, the upstreams, the data folder."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from gateway.control.reloader import PolicyStatus
from gateway.database.protocol import Database, DatabaseDown
from gateway.dataplane.pool import Pool
from gateway.parts import Check
from gateway.store.protocol import Store
from gateway.telemetry.loop_lag import LoopLag

LAG = 0.5
"""Seconds that the event loop may be late before that is a symptom."""

LEAST_FREE = 64 << 20


def event_loop(lag: LoopLag) -> Check:
    async def run() -> str:
        worst = lag.worst
        if worst > LAG:
            raise RuntimeError(f"{worst * 1000:.0f} ms late within the last ten seconds")
        return f"at most {worst * 1000:.0f} ms late within the last ten seconds"

    return Check("event_loop", run, every=5.0)


def policy(status: Callable[[], PolicyStatus]) -> Check:
    """Fails while the policy in force is not the one in the file: the last edit was rejected, or cannot be read."""

    async def run() -> str:
        now = status()
        if now.rejection is not None:
            raise RuntimeError(
                f"{now.source} was rejected, {now.digest} still serves: {'; '.join(now.rejection.reasons)}"
            )
        if now.unreadable is not None:
            raise RuntimeError(f"{now.source} cannot be read, {now.digest} still serves: {now.unreadable}")
        return now.digest

    return Check("policy", run, every=2.0)


def upstream(name: str, pool: Pool, *, readiness: Literal["no", "first", "always"] = "first") -> Check:
    """Well while connections to it are open; where none is, one is tried, TLS included."""

    async def run() -> str:
        if kept := pool.stats()["open"]:
            return f"{kept} connections open"
        address = pool.address
        if address.path:
            _, writer = await asyncio.open_unix_connection(address.path)
        else:
            _, writer = await asyncio.open_connection(address.host, address.port, ssl=address.tls)
        writer.transport.abort()  # a TLS upstream may be slow to say goodbye
        return "takes connections"

    return Check(f"upstream {name}", run, readiness=readiness)


def ledger(database: Database) -> Check:
    """Well while statements are committed; one that has not been reached yet cannot record a payment."""

    async def run() -> str:
        if database.trouble is not None:
            raise RuntimeError(database.trouble)
        try:
            await database.read("SELECT 1")
        except DatabaseDown as error:
            raise RuntimeError(str(error.__cause__ or error)) from error
        return f"{database.stats()['queued']:.0f} statements wait"

    return Check("ledger", run, every=2.0, timeout=6.0, readiness="first")


def store(kept: Store) -> Check:
    """Well while it answers; while it does not, limits are decided locally, so it keeps nothing from being ready."""

    async def run() -> str:
        if kept.trouble is not None:
            raise RuntimeError(kept.trouble)
        await kept.get("health")
        return "answers"

    return Check("store", run, every=2.0)


def storage(folder: Path) -> Check:
    return Check("storage", _Storage(folder).run, every=30.0, timeout=5.0, readiness="first")


class _Storage:
    """Writes a file and looks at the space left, in a thread: a disk that hangs must not stop the event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._trying: asyncio.Future[int] | None = None

    async def run(self) -> str:
        if self._trying is not None and not self._trying.done():
            raise RuntimeError("the last attempt to write has not returned")  # another would hang as it does
        self._trying = asyncio.get_running_loop().run_in_executor(None, _write_and_measure, self._folder)
        free = await asyncio.shield(self._trying)
        if free < LEAST_FREE:
            raise RuntimeError(f"{free >> 20} MiB are free in {self._folder}, less than {LEAST_FREE >> 20}")
        return f"{free >> 20} MiB free"


def _write_and_measure(folder: Path) -> int:
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".check-") as file:
        file.write(b"payguard")
        file.flush()
        os.fsync(file.fileno())
    return shutil.disk_usage(folder).free
