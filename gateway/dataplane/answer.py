"""An upstream's answer, as it is read from its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

from gateway.errors import UpstreamError
from gateway.fields import Pieces, RawHeader

if TYPE_CHECKING:
    from gateway.dataplane.connection import Connection


class Answer:
    """An upstream's answer while it is read.

    ``headers`` are as sent, names in lower case, trailers left out; ``pieces`` those that may leave their hop,
    ``judged`` those at whose values somebody looks.
    """

    __slots__ = (
        "_connection",
        "_late",
        "_waiter",
        "chunks",
        "complete",
        "error",
        "head",
        "headers",
        "judged",
        "keep_alive",
        "pieces",
        "size",
        "status",
        "until",
    )

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._late: Callable[[], UpstreamError] | None = None
        self.until = inf
        self._waiter: asyncio.Future[None] | None = None
        self.status = 0
        self.begin()
        self.chunks: list[bytes] = []
        self.size = 0
        self.head = False
        self.complete = False
        self.keep_alive = False
        self.error: UpstreamError | None = None

    def begin(self) -> None:
        """Its head, or another: one that only informs came before."""
        self.headers: list[RawHeader] = []
        self.judged: list[RawHeader] = []
        self.pieces: Pieces = []

    def limit(self, until: float, late: Callable[[], UpstreamError]) -> None:
        """From ``until`` on, by ``monotonic()``, it has failed with what ``late`` makes: the pool sweeps."""
        self.until = until
        self._late = late

    def unlimit(self) -> None:
        self.until = inf

    def sweep(self, now: float) -> None:
        if now >= self.until and self._late is not None:
            self.until = inf
            self._connection.fail(self._late())

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def arrival(self) -> asyncio.Future[None]:
        """Done once more of it is here, or it has failed; what it failed with already is raised.  One may wait."""
        if self.error is not None:
            raise self.error
        self._waiter = waiter = self._connection.loop.create_future()
        return waiter

    async def read_head(self) -> None:
        """Until the head has been read; the limit that was set ends with it."""
        while not self.head:
            await self.arrival()
        self.until = inf

    async def read(self) -> bytes:
        """What has arrived of the body, at least a byte; empty at its end."""
        while not (self.chunks or self.complete or self.error):
            await self.arrival()
        if not self.chunks and self.error is not None:
            raise self.error
        return self.take()

    def take(self) -> bytes:
        """What is here of the body now."""
        if not self.chunks:
            return b""
        data = self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)
        self.chunks = []
        self.size = 0
        self._connection.resume()
        return data
