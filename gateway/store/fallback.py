"""The fallback: what a shared store cannot do now is done in this process's own memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from gateway.errors import DependencyDown
from gateway.store.protocol import Procedure, Store

T = TypeVar("T")


class Fallback:
    """Never down: each operation is the shared store's, or while that is away the local one's.

    The two know nothing of each other: what was counted there is not counted here.  Who opened them closes them.
    """

    def __init__(self, shared: Store, local: Store) -> None:
        self.together = shared.together
        self.used = 0
        """How often the local one was."""
        self._shared = shared
        self._local = local

    async def get(self, key: str) -> bytes | None:
        return await self._either(lambda store: store.get(key))

    async def put(self, key: str, value: bytes, ttl: float, *, hold: bool = False) -> None:
        await self._either(lambda store: store.put(key, value, ttl, hold=hold))

    async def add(self, key: str, value: bytes, ttl: float, *, hold: bool = False) -> bool:
        return await self._either(lambda store: store.add(key, value, ttl, hold=hold))

    async def remove(self, key: str) -> bool:
        return await self._either(lambda store: store.remove(key))

    async def count(self, key: str, by: int, ttl: float) -> int:
        return await self._either(lambda store: store.count(key, by, ttl))

    async def run(self, procedure: Procedure, keys: Sequence[str], arguments: Any) -> Any:
        try:
            return await self._shared.run(procedure, keys, arguments)
        except DependencyDown:
            self.used += 1
            return await self._local.run(procedure, keys, arguments)

    async def scan(self, prefix: str, most: int = 10_000) -> list[tuple[str, bytes, float]]:
        return await self._either(lambda store: store.scan(prefix, most))

    async def open(self) -> None:
        """Who opened them."""

    async def close(self) -> None:
        """As above."""

    @property
    def trouble(self) -> str | None:
        return None

    def stats(self) -> Mapping[str, float]:
        return self._shared.stats()

    async def _either(self, ask: Callable[[Store], Awaitable[T]]) -> T:
        try:
            return await ask(self._shared)
        except DependencyDown:
            self.used += 1
            return await ask(self._local)
