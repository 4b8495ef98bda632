"""Late outcomes: those that the ledger could not take when they were known, written once it is back."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from gateway.database.protocol import DatabaseDown
from gateway.ledger.protocol import Ledger
from gateway.ledger.records import Settlement

MOST = 10_000
"""What is beyond it is left to recovery, as after a crash: each of these payments is ``sent`` in the ledger."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
"""What waits here is lost with the process: it is written as soon as the ledger takes it."""

_Change: TypeAlias = tuple[str, int, Settlement]


class LateOutcomes:
    """Tries until the ledger has taken them, or the process ends; a crash leaves them to recovery.

    ``start`` runs the work in the background; None, or False, where too much runs there already.
    """

    def __init__(self, ledger: Ledger, start: Callable[[Any], object], most: int = MOST) -> None:
        self._ledger = ledger
        self._start = start
        self._most = most
        self._waiting: deque[_Change] = deque()
        self._works = False
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, id: str, epoch: int, settlement: Settlement) -> None:  # noqa: A002
        if len(self._waiting) >= self._most:
            self.dropped += 1
            return
        self._waiting.append((id, epoch, settlement))
        if not self._works:
            self._works = bool(self._start(self._write()))

    async def _write(self) -> None:
        pause = FIRST_PAUSE
        try:
            while self._waiting:
                try:
                    await self._ledger.settle(*self._waiting[0])
                except DatabaseDown:
                    await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter
                    pause = min(2 * pause, LONGEST_PAUSE)
                else:
                    self._waiting.popleft()
                    pause = FIRST_PAUSE
        finally:
            self._works = False
