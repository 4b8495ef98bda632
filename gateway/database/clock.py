"""The clock of the embedded database: the wall clock, without its jumps."""

from __future__ import annotations

import time
from collections.abc import Callable

SLEW = 1 / 20
"""How much faster or slower than time passes it may run, to come to what the wall clock says: less than leases have
beyond the time in which their owners act."""


def _passing() -> float:
    """Seconds that nobody sets; those in which the machine was suspended are among them, where that can be known."""
    suspended = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if suspended is None else time.clock_gettime(suspended)


class SteadyClock:
    """``now()`` is in seconds since the epoch.  It begins with the wall clock and passes evenly.

    A wall clock that is set, an hour ahead say, would end every lease at once, and put off for an hour what is
    written down as due before somebody sets it back.  This one is led to what the wall clock says, slowly.
    """

    def __init__(self, wall: Callable[[], float] = time.time, passing: Callable[[], float] = _passing) -> None:
        self._wall = wall
        self._passing = passing
        self._looked = passing()
        self._ahead = wall() - self._looked

    def now(self) -> float:
        passed = self._passing()
        most = max(0.0, passed - self._looked) * SLEW  # another thread may have looked in between
        self._looked = passed
        astray = self._wall() - passed - self._ahead
        self._ahead += min(most, max(-most, astray))
        return passed + self._ahead


now = SteadyClock().now
"""Of this process, for all its databases."""
