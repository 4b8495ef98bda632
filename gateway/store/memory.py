"""The store of one process: a bounded table in memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil


@dataclass(slots=True)
class _Entry:
    value: bytes | int
    expires: float


class MemoryStore:
    """Keys to bytes and to counters, at most ``entries`` of them.

    No operation awaits, so each is atomic on its loop; each is O(1).  A write into a full table forgets what expired a
    second ago or more, and else what was not used for longest.  A key holds bytes or a counter: reading the one as the
    other finds nothing, and writing replaces.
    """

    def __init__(self, entries: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = entries
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._expiring: dict[int, dict[str, None]] = {}
        """Keys by the second at whose start they have all expired; a heap would cost O(log n) and pauses to rebuild."""
        self._due = int(clock())

    def __len__(self) -> int:
        return len(self._entries)

    async def get(self, key: str) -> bytes | None:
        entry = self._live(key)
        return entry.value if entry is not None and isinstance(entry.value, bytes) else None

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        self._set(key, value, ttl)

    async def add(self, key: str, value: bytes, ttl: float) -> bool:
        if self._live(key) is not None:
            return False
        self._set(key, value, ttl)
        return True

    async def remove(self, key: str) -> bool:
        live = self._live(key) is not None
        self._forget(key)
        return live

    async def count(self, key: str, by: int, ttl: float) -> int:
        entry = self._live(key)
        if entry is not None and isinstance(entry.value, int):
            entry.value += by
            return entry.value
        self._set(key, by, ttl)
        return by

    async def close(self) -> None:
        self._entries.clear()
        self._expiring.clear()

    def _live(self, key: str) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is None or entry.expires <= self._clock():
            return None
        self._entries.move_to_end(key)
        return entry

    def _set(self, key: str, value: bytes | int, ttl: float) -> None:
        self._forget(key)
        self._forget_one_expired()
        if len(self._entries) >= self._most:
            self._forget(next(iter(self._entries)))
        expires = self._clock() + max(ttl, 0.0)
        self._entries[key] = _Entry(value, expires)
        self._expiring.setdefault(ceil(expires), {})[key] = None

    def _forget(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        second = ceil(entry.expires)
        keys = self._expiring[second]
        del keys[key]
        if not keys:
            del self._expiring[second]

    def _forget_one_expired(self) -> None:
        """One for each write is enough to keep up, and no write pays for the many that expire together."""
        now = int(self._clock())
        while self._due <= now:
            if keys := self._expiring.get(self._due):
                self._forget(next(iter(keys)))
                return
            self._due += 1
