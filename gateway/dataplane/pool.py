"""The pool: a bounded number of connections to one upstream, kept alive and reused, the latest first."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass, field
from time import monotonic

from gateway.dataplane.arrivals import Arrivals
from gateway.dataplane.connection import Connection
from gateway.dataplane.joined import Joined
from gateway.errors import ConnectTimeout, PoolExhausted, TlsFailed, UpstreamUnreachable

SWEEP = 0.05
"""Seconds between two looks at what has waited too long.  One timer for all costs an exchange nothing; its own costs
5 µs of uvloop's."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an upstream listens: a host and port, or for ``http+unix`` the ``path`` of a socket."""

    scheme: str
    host: str = "localhost"
    port: int = 0
    path: str = ""
    tls: ssl.SSLContext | None = None

    @property
    def authority(self) -> str:
        """What a Host header for it says (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = {"http": 80, "https": 443}.get(self.scheme)
        return host if not self.port or self.port == default else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Counts, and times in seconds.  ``idle`` must be shorter than the upstream's own keep-alive: many have 5 s."""

    connections: int = 100
    waiting: int = 1000
    wait: float = 1.0
    idle: float = 4.0
    connect: float = 1.0


@dataclass(slots=True)
class PoolCounts:
    opened: int = 0
    reused: int = 0
    failed: int = 0
    refused: int = 0
    expired: int = 0


@dataclass(slots=True)
class _Waiting:
    """In the queue: given a connection, or None for room to open one."""

    given: asyncio.Future[Connection | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Pool:
    """Connections to one address.

    ``acquire`` gives one that nobody else uses; it comes back by itself after its exchange, or is closed.  Whoever
    waits is served in order.  Every failure is an UpstreamUnreachable: no byte of a request was sent.
    """

    def __init__(self, address: Address, options: PoolOptions) -> None:
        self.address = address
        self.options = options
        self.counts = PoolCounts()
        self.joined = Joined()
        self.arrivals = Arrivals(self.joined)
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._opening = 0
        self._waiting: deque[_Waiting] = deque()
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = False

    def stats(self) -> dict[str, int]:
        return {
            "open": len(self._all),
            "idle": len(self._idle),
            "waiting": len(self._waiting),
            "opened_total": self.counts.opened,
            "reused_total": self.counts.reused,
            "failed_total": self.counts.failed,
            "refused_total": self.counts.refused,
            "expired_total": self.counts.expired,
        }

    def take(self) -> Connection | None:
        """An idle connection, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.quiet:
                self.counts.reused += 1
                return connection
            self._discard(connection)
        return None

    @property
    def unused(self) -> bool:
        """Whether it has no connection, and nobody asks for one."""
        return not (self._all or self._opening or self._waiting)

    async def acquire(self, until: float, *, fresh: bool = False, wait: float | None = None) -> Connection:
        """A connection before ``until``, by ``monotonic()``; ``fresh`` asks for one that was never used.

        ``wait`` shortens the options' time in the queue.
        """
        if fresh and self._idle and not self._has_room():
            self._discard(self._idle.popleft())
        if not fresh and (idle := self.take()) is not None:
            return idle
        if self._has_room():
            self._opening += 1
            return await self._open(until)
        seconds = self.options.wait if wait is None else min(wait, self.options.wait)
        given = await self._wait(max(0.0, min(seconds, until - monotonic())))
        if given is None:
            return await self._open(until)
        if given.quiet:
            return given
        self._discard(given)
        return await self.acquire(until, wait=wait)

    def _has_room(self) -> bool:
        return len(self._all) + self._opening < self.options.connections

    async def _wait(self, seconds: float) -> Connection | None:
        if len(self._waiting) >= self.options.waiting:
            self.counts.refused += 1
            raise PoolExhausted(
                f"All {self.options.connections} connections are in use, and too many requests wait for one",
                headers={"retry-after": "1"},
            )
        waiting = _Waiting()
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(seconds):
                return await waiting.given
        except TimeoutError:
            self._give_up(waiting)
            self.counts.refused += 1
            raise PoolExhausted(
                f"All {self.options.connections} connections were in use for {seconds:g} s",
                headers={"retry-after": "1"},
            ) from None
        except asyncio.CancelledError:
            self._give_up(waiting)
            raise

    def _give_up(self, waiting: _Waiting) -> None:
        """Leave the queue; what was given in the same instant goes to the next."""
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        elif waiting.given.done() and not waiting.given.cancelled():
            given = waiting.given.result()
            if given is None:
                self._opening -= 1
                self._give_right()
            elif given.usable:
                self.release(given)

    async def _open(self, until: float) -> Connection:
        """A new connection, for which room was taken."""
        seconds = max(0.0, min(self.options.connect, until - monotonic()))
        try:
            async with asyncio.timeout(seconds):
                connection = await self._connect()
        except TimeoutError:
            self.counts.failed += 1
            raise ConnectTimeout(f"The upstream accepted no connection within {seconds:g} s") from None
        except ssl.SSLError as error:
            self.counts.failed += 1
            raise TlsFailed(f"No trusted TLS connection to the upstream: {error.reason or 'failed'}") from error
        except (OSError, UnicodeError) as error:  # a name that no resolver takes is the latter
            self.counts.failed += 1
            raise UpstreamUnreachable("The upstream accepts no connections", headers={"retry-after": "1"}) from error
        else:
            self.counts.opened += 1
            self._all.add(connection)
            self._watch()
            return connection
        finally:
            self._opening -= 1
            self._give_right()

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        address = self.address
        if address.path:
            _, connection = await loop.create_unix_connection(lambda: Connection(self), address.path)
        else:
            server_hostname = address.host if address.tls is not None else None
            _, connection = await loop.create_connection(
                lambda: Connection(self),
                address.host,
                address.port,
                ssl=address.tls,
                server_hostname=server_hostname,
            )
        if not connection.usable:
            raise ConnectionAbortedError("it ended as soon as it began")
        return connection

    def release(self, connection: Connection) -> None:
        """It is free: to whoever waits longest, else idle."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.given.done():
                self.counts.reused += 1
                waiting.given.set_result(connection)
                return
        if self._closed:
            connection.close()
            return
        connection.idle_since = monotonic()
        self._idle.append(connection)

    def _discard(self, connection: Connection) -> None:
        self._all.discard(connection)
        connection.close()

    def lost(self, connection: Connection) -> None:
        """It was closed, by either side."""
        if connection in self._all:
            self._all.discard(connection)
            if connection in self._idle:
                self._idle.remove(connection)
            self._give_right()

    def _give_right(self) -> None:
        """Let whoever waits longest open a connection, if there is room for one."""
        while self._waiting and self._has_room():
            waiting = self._waiting.popleft()
            if not waiting.given.done():
                self._opening += 1
                waiting.given.set_result(None)

    def _sweep(self) -> None:
        """Fail what has waited too long, close what was idle too long, and come back while there is anything."""
        self._sweeping = None
        now = monotonic()
        for connection in tuple(self._all):
            connection.sweep(now)
        due = now - self.options.idle
        while self._idle and self._idle[0].idle_since <= due:
            self.counts.expired += 1
            self._discard(self._idle.popleft())
        if self._all:
            self._watch()

    def _watch(self) -> None:
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(SWEEP, self._sweep)

    async def close(self) -> None:
        """Close what is idle now, and the rest as it becomes free."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
