"""Links: entries of the chain on their way to the database."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Generator, Iterable
from typing import Any

from gateway.database.protocol import DatabaseDown, Row

_LOST = "The audit trail cannot take this entry."


class Link:
    """One entry of the chain; awaited, until it is committed.

    ``rows`` is None where it waits for the database to be back.
    """

    __slots__ = ("hash", "line", "rows", "seq")

    def __init__(self, seq: int, hash: str, line: bytes) -> None:  # noqa: A002
        self.seq = seq
        self.hash = hash
        self.line = line
        self.rows: Future[list[Row]] | None = None

    def __await__(self) -> Generator[Any, None, None]:
        if self.rows is None or not (yield from asyncio.shield(self.rows).__await__()):
            raise DatabaseDown(_LOST)

    @property
    def is_committed(self) -> bool:
        rows = self.rows
        if rows is None or not rows.done() or rows.cancelled():
            return False
        return rows.exception() is None and bool(rows.result())


def retrieve(links: Iterable[Link]) -> None:
    """Look at each failure, which nobody else may."""
    for link in links:
        if link.rows is not None:
            link.rows.add_done_callback(_look)


def _look(rows: Future[list[Row]]) -> None:
    if not rows.cancelled():
        rows.exception()
