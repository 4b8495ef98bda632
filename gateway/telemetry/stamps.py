"""Time stamps as text: the part that changes once a second is kept."""

from __future__ import annotations

import time
from collections.abc import Callable


class Stamps:
    """``now()`` is the moment in UTC to the microsecond, as RFC 3339 writes it.  Any thread may ask."""

    __slots__ = ("_clock", "_last")

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._last = (-1, "")  # replaced as one: two threads never mix their seconds

    def now(self) -> str:
        seconds = self._clock()
        whole = int(seconds)
        last, text = self._last
        if last != whole:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
            self._last = (whole, text)
        return f"{text}.{str(int((seconds - whole) * 1e6)).zfill(6)}Z"  # a third of what a format with a width costs
