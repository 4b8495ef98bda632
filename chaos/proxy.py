"""The proxy between a gateway and Postgres: it loses COMMITs and the replies to them, and holds replies back.

The wire: https://www.postgresql.org/docs/current/protocol-message-formats.html.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import struct
from collections.abc import Iterator
from typing import Self

_PLAIN = frozenset({80877103, 80877104})
"""Requests for TLS and GSSAPI: the start-up message comes after them (SSLRequest, GSSENCRequest)."""


class Messages:
    """What a client says, message by message: its type and its payload.  The start-up message has the type ``b""``."""

    def __init__(self) -> None:
        self._seen = bytearray()
        self._started = False

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        self._seen += data
        while True:
            begin = 1 if self._started else 0
            if len(self._seen) < begin + 4:
                return
            (length,) = struct.unpack_from("!I", self._seen, begin)
            if len(self._seen) < begin + length:
                return
            kind, payload = bytes(self._seen[:begin]), bytes(self._seen[begin + 4 : begin + length])
            del self._seen[: begin + length]
            if not self._started:
                self._started = struct.unpack_from("!I", payload)[0] not in _PLAIN
            yield kind, payload


class Commits:
    """How many transactions that change something end with what a client says.

    They end with a COMMIT, or with the Sync after a statement that was executed outside BEGIN and COMMIT: the
    protocol makes that one a transaction of its own.
    """

    def __init__(self) -> None:
        self._messages = Messages()
        self._statements: dict[bytes, bytes] = {}
        self._within = self._changed = False

    def feed(self, data: bytes) -> int:
        return sum(self._ends(kind, payload) for kind, payload in self._messages.feed(data))

    def _ends(self, kind: bytes, payload: bytes) -> bool:
        match kind:
            case b"Q":
                return self._query(_word(payload))
            case b"P":
                name, text, *_ = payload.split(b"\0")
                self._statements[name] = _word(text)
            case b"B":
                _, name, *_ = payload.split(b"\0")
                self._changed |= self._statements.get(name, b"") in _CHANGES
            case b"S":
                ends = self._changed and not self._within
                self._changed = self._changed and self._within
                return ends
        return False

    def _query(self, word: bytes) -> bool:
        if word == b"BEGIN":
            self._within = True
        if word not in (b"COMMIT", b"ROLLBACK"):
            return word in _CHANGES and not self._within
        ends = word == b"COMMIT" and self._changed
        self._within = self._changed = False
        return ends


_CHANGES = frozenset({b"INSERT", b"UPDATE", b"DELETE", b"WITH"})


def _word(text: bytes) -> bytes:
    """The first of a statement, in capitals."""
    return next(iter(text.split(None, 1)), b"").rstrip(b";\0").upper()


class Proxy:
    """Listens on a free port of loopback.  Each gateway has one of its own, so that they are troubled apart."""

    def __init__(self, target: tuple[str, int], seed: int) -> None:
        self.port = 0
        self.lost = 0
        """COMMITs whose fate their gateway was not told."""
        self._target = target
        self._draw = random.Random(f"{seed}:proxy")
        self._losing = 0.0
        self._flows = asyncio.Event()
        self._flows.set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for pump in tuple(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def lose(self, share: float) -> None:
        """That share of the COMMITs from now on is lost, half of them on their way there."""
        self._losing = share

    def stall(self) -> None:
        """Hold back whatever the server says."""
        self._flows.clear()

    def flow(self) -> None:
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        else:
            await _Session(self, (reader, writer), (there, back)).run()
        finally:
            self._pumps.discard(task)

    def loses(self) -> bool:
        if self._draw.random() >= self._losing:
            return False
        self.lost += 1
        return True

    def on_its_way(self) -> bool:
        return self._draw.random() < 0.5

    async def flowing(self) -> None:
        await self._flows.wait()


Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Session:
    """One connection of a client, and the one made for it."""

    def __init__(self, proxy: Proxy, client: Side, server: Side) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._commits = Commits()
        self._swallows = False

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                pumps = [group.create_task(self._there()), group.create_task(self._back())]
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                for pump in pumps:
                    pump.cancel()
        finally:
            self._client[1].close()
            self._server[1].close()

    async def _there(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self._client[0].read(1 << 16):
                if self._commits.feed(data) and self._proxy.loses():
                    if self._proxy.on_its_way():
                        return
                    self._swallows = True
                self._server[1].write(data)
                await self._server[1].drain()

    async def _back(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self._server[0].read(1 << 16):
                if self._swallows:
                    return
                await self._proxy.flowing()
                self._client[1].write(data)
                await self._client[1].drain()
