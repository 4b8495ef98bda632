"""Sharing: objects that outlive a policy because the next one has the same use for them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Shared:
    value: Any
    users: int = 0


class SharedObjects:
    """Objects by key, each with the number of leases that hold it; the last one out closes it."""

    def __init__(self) -> None:
        self._shared: dict[Hashable, _Shared] = {}
        self._orphans: list[Any] = []

    def __len__(self) -> int:
        return len(self._shared)

    def lease(self) -> Lease:
        return Lease(self)

    async def sweep(self) -> None:
        """Close what leases have abandoned."""
        orphans, self._orphans = self._orphans, []
        await _close_all(orphans)

    async def close(self) -> None:
        """Close everything, whoever still holds it: the process ends."""
        left, self._shared = self._shared, {}
        await _close_all([*self._orphans, *(shared.value for shared in left.values())])

    def take(self, key: Hashable, make: Callable[[], T]) -> T:
        if key not in self._shared:
            self._shared[key] = _Shared(make())
        shared = self._shared[key]
        shared.users += 1
        return shared.value  # type: ignore[no-any-return]  # what was made under a key is what is asked for by it

    def give_back(self, key: Hashable) -> None:
        shared = self._shared.get(key)
        if shared is None:
            return
        shared.users -= 1
        if not shared.users:
            del self._shared[key]
            self._orphans.append(shared.value)


class Lease:
    """What one policy holds of the shared objects, each once however often it asks."""

    def __init__(self, objects: SharedObjects) -> None:
        self._objects = objects
        self._held: dict[Hashable, Any] = {}

    def hold(self, key: Hashable, make: Callable[[], T]) -> T:
        """The object of this key; ``make`` makes it where there is none."""
        if key not in self._held:
            self._held[key] = self._objects.take(key, make)
        return self._held[key]  # type: ignore[no-any-return]  # as above

    def abandon(self) -> None:
        """Give everything back; what nobody else holds is closed by the next ``sweep``."""
        held, self._held = self._held, {}
        for key in reversed(held):
            self._objects.give_back(key)

    async def release(self) -> None:
        """Give everything back and close what nobody else holds."""
        self.abandon()
        await self._objects.sweep()


async def _close_all(values: list[Any]) -> None:
    """In order, each although others fail."""
    async with AsyncExitStack() as stack:
        for value in reversed(values):
            if inspect.iscoroutinefunction(close := getattr(value, "close", None)):
                stack.push_async_callback(close)
