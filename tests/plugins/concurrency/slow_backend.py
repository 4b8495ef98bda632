"""A backend in a thread of its own, that works at a known number of requests at once and drowns in too many."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class SlowBackend:
    """``workers`` requests at once take ``each`` seconds; others wait in it.

    Whoever comes while more than ``room`` are in it is never answered, and keeps a place until it is given up.
    """

    def __init__(self, workers: int, each: float, room: int) -> None:
        self.port = 0
        self.drowned = 0
        self._each = each
        self._room = room
        self._inside = 0
        self._working = asyncio.Semaphore(workers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self._inside += 1
                try:
                    if self._inside > self._room:
                        self.drowned += 1
                        await reader.read()
                        break
                    async with self._working:
                        await asyncio.sleep(self._each)
                    writer.write(OK)
                finally:
                    self._inside -= 1
        writer.close()


@contextmanager
def slow_backend(workers: int, each: float, room: int) -> Iterator[SlowBackend]:
    backend = SlowBackend(workers, each, room)
    listening, ended = threading.Event(), threading.Event()

    async def run() -> None:
        async with await asyncio.start_server(backend.serve, "127.0.0.1", 0) as server:
            backend.port = server.sockets[0].getsockname()[1]
            listening.set()
            await asyncio.get_running_loop().run_in_executor(None, ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    listening.wait()
    try:
        yield backend
    finally:
        ended.set()
        thread.join()
