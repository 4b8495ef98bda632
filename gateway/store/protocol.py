"""What a store does, whatever keeps it."""

from __future__ import annotations

from typing import Protocol


class Store(Protocol):
    """Keys to bytes and to counters, each with a time to live.  Every operation is atomic.

    ``ttl`` is in seconds.  What a store is too full to keep it may forget early, never late.  An operation that the
    store cannot carry out raises DependencyDown, soon.
    """

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, value: bytes, ttl: float) -> None: ...

    async def add(self, key: str, value: bytes, ttl: float) -> bool:
        """Put it if the key holds nothing; whether it was put."""

    async def remove(self, key: str) -> bool:
        """Whether there was something to remove."""

    async def count(self, key: str, by: int, ttl: float) -> int:
        """Add to a counter and return its new value.  ``ttl`` counts from the counter's first addition."""

    async def close(self) -> None: ...
