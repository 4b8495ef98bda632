"""Draining: readiness is off, and the gateway serves on until those who send to it have learned that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Draining:
    """Begins once, by whoever asks first: a signal, ``POST /drain``.  The delay counts from then."""

    def __init__(self, delay: float, begins: Callable[[], None]) -> None:
        self.delay = delay
        self._begins = begins
        self._until: float | None = None
        self._cut_short = asyncio.Event()

    @property
    def begun(self) -> bool:
        return self._until is not None

    @property
    def remaining(self) -> float:
        """Seconds in which it still serves new connections."""
        if self._until is None:
            return self.delay
        return max(0.0, self._until - asyncio.get_running_loop().time())

    def begin(self) -> None:
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + self.delay
            self._begins()

    def cut_short(self) -> None:
        """Somebody insists."""
        self._cut_short.set()

    async def over(self) -> None:
        self.begin()
        try:
            async with asyncio.timeout(self.remaining):
                await self._cut_short.wait()
        except TimeoutError:
            return
