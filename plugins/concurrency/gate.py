"""The gate: a number of places, and a bounded queue for those who wait for one."""

from __future__ import annotations

import asyncio
from collections import OrderedDict


class _Waiting:
    """In the queue until its place is granted, or it is sent away."""

    __slots__ = ("granted", "priority")

    def __init__(self, priority: int) -> None:
        self.priority = priority
        self.granted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class Gate:
    """At most ``places`` are in, and at most ``most`` wait: the highest priority first, in order of arrival within one.

    Where the queue is full, whoever came last of the lowest priority is sent away.  Nobody waits while a place is
    free.  Whoever entered leaves once; whoever gives up waiting, in whatever instant, keeps no place.
    """

    def __init__(self, places: int, most: int) -> None:
        self.places = places
        self.inside = 0
        self.peak = 0
        """The most that were in at once since the last ``resize``."""
        self.waiting = 0
        self._most = most
        self._queues: dict[int, OrderedDict[_Waiting, None]] = {}

    def enter(self) -> bool:
        """A place, if one is free."""
        if self.inside >= self.places:
            return False
        self.inside += 1
        if self.inside > self.peak:  # noqa: PLR1730 - a third of the time that max() takes
            self.peak = self.inside
        return True

    async def wait(self, priority: int, seconds: float) -> bool:
        """A place, once there is one.  False where none is in time, or too many have more right to it."""
        if self.enter():
            return True
        if self.waiting >= self._most and not self._make_room(priority):
            return False
        waiting = _Waiting(priority)
        self._queues.setdefault(priority, OrderedDict())[waiting] = None
        self.waiting += 1
        timer = asyncio.get_running_loop().call_later(seconds, self._send_away, waiting)
        try:
            return await waiting.granted
        except BaseException:
            if not self._remove(waiting) and not waiting.granted.cancelled() and waiting.granted.result():
                self.leave()  # it was granted in the very instant
            raise
        finally:
            timer.cancel()

    def leave(self) -> None:
        self.inside -= 1
        self._grant()

    def resize(self, places: int) -> None:
        self.places = places
        self.peak = self.inside
        self._grant()

    def queue(self) -> dict[int, int]:
        """How many wait with each priority, the highest first."""
        return {priority: len(queue) for priority, queue in sorted(self._queues.items(), reverse=True) if queue}

    def _grant(self) -> None:
        while self.waiting and self.enter():
            waiting = next(iter(self._queues[max(self.queue())]))
            self._remove(waiting)
            if waiting.granted.cancelled():
                self.inside -= 1
            else:
                waiting.granted.set_result(True)

    def _make_room(self, priority: int) -> bool:
        """Send away whoever came last of the lowest priority, if that is lower than ``priority``."""
        lowest = min(self.queue(), default=priority)
        if lowest >= priority:
            return False
        self._send_away(next(reversed(self._queues[lowest])))
        return True

    def _send_away(self, waiting: _Waiting) -> None:
        if self._remove(waiting) and not waiting.granted.cancelled():
            waiting.granted.set_result(False)

    def _remove(self, waiting: _Waiting) -> bool:
        """Whether it was in the queue."""
        queue = self._queues[waiting.priority]
        if waiting not in queue:
            return False
        del queue[waiting]
        self.waiting -= 1
        return True
