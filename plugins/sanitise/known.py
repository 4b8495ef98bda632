"""What was looked into before, and held nothing: most requests have the same keys and fields as those before them."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Known(Generic[T]):
    """Bounded: beyond ``most`` it forgets everything, and of one request it learns ``at_once`` or nothing."""

    def __init__(self, most: int = 2000, at_once: int = 100) -> None:
        self.innocent: set[T] = set()
        self._most = most
        self._at_once = at_once

    def learn(self, fresh: Collection[T]) -> None:
        """Nothing is in these, wherever they stand."""
        if len(fresh) > self._at_once:
            return
        if len(self.innocent) + len(fresh) > self._most:
            self.innocent.clear()
        self.innocent.update(fresh)
