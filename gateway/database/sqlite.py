"""The embedded database: one SQLite file, one thread that writes, some that read."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from asyncio import Future
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import structlog

from gateway.database import clock
from gateway.database.handoff import AWAY, MOST_WAITING, Handoff, down
from gateway.database.protocol import DatabaseDown, Row, Unfit
from gateway.database.schema import HEAD, Migrate
from gateway.database.sqlite_file import connect, execute, is_down, own, reason
from gateway.database.sqlite_schema import bring_up
from gateway.database.sqlite_writer import SqliteWriter

log = structlog.get_logger("payguard.database")

READERS = 3
WRITER_CACHE = 16 << 10
READER_CACHE = 4 << 10
CLOSES_WITHIN = 8.0

GIVES_UP_AFTER = 100_000
"""Steps of a statement, some milliseconds, after which it is asked whether anybody waits for it."""


class SqliteDatabase:
    """A Database on the file ``path``, which one process owns at a time.

    ``most`` statements may wait; one waits for at most ``patience`` seconds; a group that takes ``slow`` seconds is
    logged.  ``pages`` is the most that the file may have: beyond it, the disk is full.
    """

    def __init__(
        self,
        path: Path,
        *,
        migrate: Migrate = "auto",
        most: int = MOST_WAITING,
        patience: float = 10.0,
        slow: float = 1.0,
        pages: int | None = None,
    ) -> None:
        self.path = path
        self._migrate = migrate
        self._pages = pages
        self._patience = patience
        self._writer = SqliteWriter(self._connect)
        self._handoff = Handoff(self._writer.put, most=most, patience=patience, slow=slow)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._owned: int | None = None
        self._readers: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite reader")
        self._reading = 0

    @property
    def opened(self) -> bool:
        return self._loop is not None

    @property
    def trouble(self) -> str | None:
        return self._handoff.trouble

    def write(self, statement: str, *values: Any, lock: bytes = b"") -> Future[list[Row]]:
        return self._handoff.write(statement, values, lock)

    async def read(self, statement: str, *values: Any) -> list[Row]:
        loop = self._loop
        if loop is None or self._reading >= MOST_WAITING:
            raise down(self._handoff.trouble or "too many read already")
        began = time.perf_counter()
        self._reading += 1
        until = time.monotonic() + self._patience
        reading = loop.run_in_executor(self._threads, self._read, statement, values, until)
        reading.add_done_callback(self._has_read)
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(reading)  # the thread goes on, whoever waits for it
        except TimeoutError as error:
            raise DatabaseDown(AWAY) from error
        finally:
            self._handoff.read(statement, time.perf_counter() - began)

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            connections = await loop.run_in_executor(self._threads, self._open)
        except BaseException:
            self._disown()
            raise
        self._loop = loop
        self._writer.start(connections.pop(), self._handoff.settle, self._handoff.gather)
        for connection in connections:
            self._readers.put(connection)
        self._handoff.open(loop)

    async def close(self) -> None:
        self._handoff.pause("it is closed")
        loop, self._loop = self._loop, None
        if loop is not None:
            if not await self._writer.stop(CLOSES_WITHIN):
                log.error("the database does not close", path=str(self.path))
            self._threads.shutdown(wait=False, cancel_futures=True)
            while not self._readers.empty():
                self._readers.get().close()
        self._disown()

    def stats(self) -> Mapping[str, float]:
        handoff = self._handoff
        return {
            "queued": handoff.waiting,
            "commits_total": handoff.commits,
            "statements_total": handoff.statements,
            "failures_total": handoff.failures,
            "slow_total": handoff.slow,
            "seconds_total": handoff.seconds,
            "connections": READERS + 1 if self.opened else 0,
            "connections_idle": self._readers.qsize(),
        }

    def _open(self) -> list[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._owned = own(self.path.resolve())
            with closing(connect(self.path, cache=READER_CACHE, pages=self._pages)) as first:
                if bring_up(first, self._migrate):
                    log.info("the database's schema was brought up to date", now=HEAD)
                writer = self._connect()
            readers = [connect(self.path, cache=READER_CACHE, reads=True) for _ in range(READERS)]
        except (OSError, sqlite3.Error) as error:
            raise Unfit(f"cannot use the database {self.path}: {reason(error)}") from error
        return [*readers, writer]

    def _disown(self) -> None:
        owned, self._owned = self._owned, None
        if owned is not None:
            os.close(owned)

    def _connect(self) -> sqlite3.Connection:
        return connect(self.path, cache=WRITER_CACHE, pages=self._pages, waits=False)

    def _read(self, statement: str, values: tuple[Any, ...], until: float) -> list[Row]:
        """On a thread; a statement that nobody waits for any more is given up."""
        connection = self._readers.get()
        connection.set_progress_handler(lambda: time.monotonic() > until, GIVES_UP_AFTER)
        try:
            return execute(connection.cursor(), statement, values, clock.now())
        except sqlite3.Error as error:
            if is_down(error):
                raise down(error) from error
            raise ValueError(str(error)) from error
        except (OverflowError, TypeError) as error:  # a value that SQLite has no type for
            raise ValueError(str(error)) from error
        finally:
            self._readers.put(connection)

    def _has_read(self, reading: Future[list[Row]]) -> None:
        self._reading -= 1
        if not reading.cancelled():
            reading.exception()  # it may be that nobody waits any more
