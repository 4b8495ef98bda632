"""Flights: requests that are under way for something that is not here, and who waits for each."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from enum import Enum, auto

from gateway import GatewayError

LONE = 10_000
"""Keys of which it is remembered that nobody need wait for another's answer."""

LONE_FOR = 10.0
"""Seconds for which it is: then it is tried again whether one answer will do for all."""


class Landing(Enum):
    """What those who waited do now."""

    LOOK = auto()
    """Something was kept: look for it."""

    GO = auto()
    """What came is for nobody else."""

    LEAD = auto()
    """The one who was under way has left: this one goes in its place, and the others wait on."""


class Flight:
    """One request under way.  Whoever leads it says once how it ended."""

    __slots__ = ("_flights", "_key", "_waiting")

    def __init__(self, flights: Flights, key: str) -> None:
        self._flights = flights
        self._key = key
        self._waiting: deque[asyncio.Future[Landing]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def wait(self, seconds: float) -> Landing | None:
        """How it ended; None where that took too long.  Raises what the leader failed with."""
        future: asyncio.Future[Landing] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        late = asyncio.get_running_loop().call_later(seconds, future.cancel)
        try:
            return await future
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                self._pass_on(future)
                raise
            return None
        finally:
            late.cancel()

    def _pass_on(self, future: asyncio.Future[Landing]) -> None:
        """One that leaves in the instant in which it was to lead leaves that to another."""
        if future.done() and not future.cancelled() and future.exception() is None and future.result() is Landing.LEAD:
            self.leave()

    def land(self, how: Landing) -> None:
        self._end()
        for each in self._left():
            each.set_result(how)
        if how is Landing.GO:
            self._flights.lone(self._key)

    def fail(self, error: GatewayError) -> None:
        """All of them fail as the leader did: what failed an instant ago is not tried by each of them."""
        self._end()
        for each in self._left():
            each.set_exception(error)

    def leave(self) -> None:
        """The leader was cancelled: one of those who wait leads in its place."""
        while self._waiting:
            successor = self._waiting.popleft()
            if not successor.done():
                successor.set_result(Landing.LEAD)
                return
        self._end()

    def _left(self) -> list[asyncio.Future[Landing]]:
        waiting, self._waiting = self._waiting, deque()
        return [each for each in waiting if not each.done()]

    def _end(self) -> None:
        self._flights.remove(self._key, self)


class Flights:
    """The flights of the process, by what they are for."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._under_way: dict[str, Flight] = {}
        self._lone: OrderedDict[int, float] = OrderedDict()
        """By hashes of keys, which may be long; two that are alike cost a request."""

    def __len__(self) -> int:
        return len(self._under_way)

    def join(self, key: str) -> Flight | None:
        """The one that is under way."""
        return self._under_way.get(key)

    def begin(self, key: str) -> Flight | None:
        """A new one; None where it is known of this key that nobody need wait."""
        if (until := self._lone.get(hash(key))) is not None:
            if until > self._monotonic():
                return None
            del self._lone[hash(key)]
        flight = self._under_way[key] = Flight(self, key)
        return flight

    def lone(self, key: str) -> None:
        self._lone[hash(key)] = self._monotonic() + LONE_FOR
        if len(self._lone) > LONE:
            self._lone.popitem(last=False)

    def remove(self, key: str, flight: Flight) -> None:
        if self._under_way.get(key) is flight:
            del self._under_way[key]
