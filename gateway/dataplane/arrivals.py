"""Arrivals: what came on a pool's connections that the loop has not seen yet."""

from __future__ import annotations

import asyncio
import select

from gateway.dataplane.joined import Joined


class Arrivals:
    """Whether anything waits to be read on a socket: data that nobody asked for, or the end.

    It is looked for once in a turn of the loop, on all sockets together, when it is first asked for.  A socket is
    watched until ``forget``, which comes before it is closed.
    """

    __slots__ = ("_heard", "_joined", "_poll")

    def __init__(self, joined: Joined) -> None:
        self._poll = select.poll()
        self._joined = joined
        self._heard: set[int] | None = None

    def watch(self, socket: int) -> None:
        self._poll.register(socket, select.POLLIN)

    def forget(self, socket: int) -> None:
        self._poll.unregister(socket)

    def on(self, socket: int, loop: asyncio.AbstractEventLoop) -> bool:
        if self._heard is None:
            self._heard = {heard for heard, _ in self._poll.poll(0)}
            self._joined.at_end(self._end_turn, loop)
        return socket in self._heard

    def _end_turn(self) -> None:
        self._heard = None
