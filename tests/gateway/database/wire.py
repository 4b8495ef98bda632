"""A wire to a server that loses what the server says, or breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

COMMIT = b"COMMIT"
SYNC = b"S\x00\x00\x00\x04"
"""Ends what PostgreSQL is asked in one go: https://www.postgresql.org/docs/current/protocol-message-formats.html."""


class Wire:
    """Hands everything on.

    Once a client has said what ``lose_answers_after`` names, nothing that the server answers comes back to it;
    ``break_at`` names what breaks the next connection on which it is said.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._server = (parts.hostname, parts.port)
        self._url = parts
        self._connections: list[asyncio.Task[None]] = []
        self._last: bytes | None = None
        self._break: bytes | None = None
        self.url = ""
        self.lost = asyncio.Event()

    def lose_answers_after(self, last: bytes) -> None:
        self._last = last

    def break_at(self, said: bytes) -> None:
        self._break = said

    def mend(self) -> None:
        self._last = None
        self.lost = asyncio.Event()

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[Wire]:
        listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        user = self._url.netloc.rpartition("@")[0]
        self.url = self._url._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()
        try:
            yield self
        finally:
            listener.close()
            for each in self._connections:
                each.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.append(task)
        server = await asyncio.open_connection(*self._server)
        lost = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._there(reader, server[1], lost))
                both.create_task(self._back(server[0], writer, lost))
        except* OSError:
            pass
        finally:
            for each in (writer, server[1]):
                each.transport.abort()

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event) -> None:
        while data := await reader.read(1 << 16):
            if self._break is not None and self._break in data:
                self._break = None
                raise ConnectionAbortedError
            if self._last is not None and self._last in data:
                lost.set()
                self.lost.set()
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event) -> None:
        while data := await reader.read(1 << 16):
            if not lost.is_set():
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
