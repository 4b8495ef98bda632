"""The client: sends requests as bytes over kept connections, and keeps the problems that it is answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO

from bench.client import Connection, Failed

CONNECTIONS = 8


class Listening(Connection):
    """Keeps the answer as it came."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = bytearray()

    def data_received(self, data: bytes) -> None:
        self.answer += data
        super().data_received(data)


async def send(requests: Iterable[bytes], port: int, problems: BinaryIO) -> Counter[int]:
    """How many were answered with each status; 0 is a connection that was closed instead."""
    statuses, waiting = Counter[int](), iter(requests)
    await asyncio.gather(*(_sender(waiting, port, problems, statuses) for _ in range(CONNECTIONS)))
    return statuses


async def _sender(waiting: Iterator[bytes], port: int, problems: BinaryIO, statuses: Counter[int]) -> None:
    connection: Listening | None = None
    for request in waiting:
        if connection is None:
            _, connection = await asyncio.get_running_loop().create_connection(Listening, "127.0.0.1", port)
        connection.answer.clear()
        status = 0
        with suppress(Failed):
            status = await connection.ask(request)
        statuses[status] += 1
        if b"application/problem+json" in connection.answer:
            problems.write(connection.answer + b"\n")
        if not status or b"connection: close" in connection.answer.lower():
            connection.close()
            connection = None
    if connection is not None:
        connection.close()
