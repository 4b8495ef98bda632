"""Time in the hands of a test: whoever sleeps does so until the test lets the time pass."""

from __future__ import annotations

import asyncio


class Pauses:
    """``await pauses.next()`` is the length of the next sleep begun; it ends with ``pauses.over()``."""

    def __init__(self) -> None:
        self._begun: asyncio.Queue[tuple[float, asyncio.Event]] = asyncio.Queue()
        self._last: asyncio.Event | None = None

    async def sleep(self, seconds: float) -> None:
        end = asyncio.Event()
        self._begun.put_nowait((seconds, end))
        await end.wait()

    async def next(self) -> float:
        seconds, self._last = await self._begun.get()
        return seconds

    def over(self) -> None:
        assert self._last is not None
        self._last.set()

    async def pass_by(self) -> float:
        """Let the next sleep end at once."""
        seconds = await self.next()
        self.over()
        return seconds
