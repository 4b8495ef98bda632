"""Loop lag: how late the event loop is to what it was to do, which is how long everything else waited."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

EVERY = 0.1
_KEPT = 100  # ten seconds


class LoopLag:
    """Measures from ``start`` to ``stop``, on the running loop, and tells ``observe`` each time."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe
        self._recent: deque[float] = deque(maxlen=_KEPT)
        self._timer: asyncio.TimerHandle | None = None

    @property
    def worst(self) -> float:
        """The longest of the last ten seconds."""
        return max(self._recent, default=0.0)

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(EVERY, self._measure, loop, loop.time() + EVERY)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _measure(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        lag = max(0.0, loop.time() - due)
        self._recent.append(lag)
        self._observe(lag)
        self._timer = loop.call_later(EVERY, self._measure, loop, loop.time() + EVERY)
