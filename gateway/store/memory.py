"""The store of one process: a bounded table in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.store.protocol import Procedure
from gateway.store.table import BoundedTable

SCANNED = 5_000
"""Keys that a scan looks at before others may do something."""


class MemoryStore:
    """Keys to bytes and to counters, at most ``entries`` of them; what goes first is the table's to say.

    No operation but ``scan`` awaits, so each is atomic on its loop.  A key holds bytes or a counter: reading the one
    as the other finds nothing, and writing replaces.
    """

    together = True
    trouble: str | None = None

    def __init__(self, entries: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._table = BoundedTable(entries, clock)
        self._calls = 0

    def __len__(self) -> int:
        return len(self._table)

    async def get(self, key: str) -> bytes | None:
        value = self._now().get(key)
        return value if isinstance(value, bytes) else None

    async def put(self, key: str, value: bytes, ttl: float, *, hold: bool = False) -> None:
        self._now().put(key, value, ttl, hold=hold)

    async def add(self, key: str, value: bytes, ttl: float, *, hold: bool = False) -> bool:
        table = self._now()
        if table.get(key) is not None:
            return False
        table.put(key, value, ttl, hold=hold)
        return True

    async def remove(self, key: str) -> bool:
        table = self._now()
        live = table.get(key) is not None
        table.remove(key)
        return live

    async def count(self, key: str, by: int, ttl: float) -> int:
        table = self._now()
        entry = table.entry(key)
        if entry is not None and isinstance(entry.value, int):
            count: int = entry.value + by
            entry.value = count
            return count
        table.put(key, by, ttl)
        return by

    async def run(self, procedure: Procedure, keys: Sequence[str], arguments: Any) -> Any:
        return procedure.python(self._now(), keys, arguments)

    async def scan(self, prefix: str, most: int = 10_000) -> list[tuple[str, bytes, float]]:
        table = self._table
        found: list[tuple[str, bytes, float]] = []
        for number, key in enumerate(list(table)):
            if not number % SCANNED:
                await asyncio.sleep(0)
                table.look()
            if key.startswith(prefix) and isinstance(value := table.get(key), bytes):
                found.append((key, value, table.left(key)))
        return found[:most]

    async def open(self) -> None:
        """It is."""

    async def close(self) -> None:
        self._table.clear()

    def stats(self) -> Mapping[str, float]:
        nothing = dict.fromkeys(("pipelines_total", "errors_total", "seconds_total", "connects_total"), 0.0)
        return nothing | {"entries": len(self), "calls_total": self._calls}

    def _now(self) -> BoundedTable:
        self._calls += 1
        self._table.look()
        return self._table
