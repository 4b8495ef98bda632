"""The one writer of a SQLite file: a thread that commits what waits as one group."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import NamedTuple

import structlog

from gateway.database.handoff import Batch, Group, Outcome, Unit, down
from gateway.database.sqlite_file import execute, is_down, is_full

log = structlog.get_logger("payguard.database")


Connect = Callable[[], sqlite3.Connection]

MOST_AT_ONCE = 128
"""Statements after which no further batch joins a group: the event loop does nothing else meanwhile, some 2 ms."""


class _Group(NamedTuple):
    """Units that are carried out and not committed; ``began`` by ``time.perf_counter()``."""

    units: Batch
    outcomes: list[Outcome]
    began: float


class SqliteWriter:
    """``put`` is called on the event loop, and so is ``done``, once for each group, in order.

    Statements are carried out on the loop, in SQLite's own cache; only COMMIT, which waits for the disk, has a thread.
    docs/decisions/0013 says why.

    A statement that is refused fails alone and the others of its group are committed.  One for which there is no room
    fails alone too, where SQLite could undo just that: the outcome of a payment may still fit where a new one does
    not.  Any other trouble fails the group; the connection is then made anew for the next.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._waiting: deque[Batch] = deque()
        self._busy = False
        self._idle = asyncio.Event()
        self._groups: SimpleQueue[_Group | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._thread: threading.Thread | None = None
        self._done: Callable[[Group], object] = lambda _: None

    def start(self, connection: sqlite3.Connection, done: Callable[[Group], object]) -> None:
        self._connection, self._done = connection, done
        self._idle.set()
        # a daemon: a disk that hangs must not keep the process from ending
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, args=(loop,), name="sqlite writer", daemon=True)
        self._thread.start()

    async def stop(self, within: float) -> bool:
        """Carry out what was put and disconnect; whether that was done in time."""
        thread, self._thread = self._thread, None
        if thread is None:
            return True
        try:
            async with asyncio.timeout(within):
                await self._idle.wait()
                self._groups.put(None)
                await asyncio.get_running_loop().run_in_executor(None, thread.join, within)
        except TimeoutError:
            return False
        return not thread.is_alive()

    def put(self, units: Batch) -> None:
        self._waiting.append(units)
        if not self._busy:
            self._begin()

    # on the loop, while nothing is committed

    def _begin(self) -> None:
        """Carry out what waits; the thread commits it."""
        units: Batch = []
        while self._waiting and len(units) < MOST_AT_ONCE:
            units += self._waiting.popleft()
        self._busy = bool(units)
        if not units:
            self._idle.set()
            return
        self._idle.clear()
        began = time.perf_counter()
        try:
            outcomes = self._carried_out(units)
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits must be told
            outcomes = self._failed(units, error)
        self._groups.put(_Group(units, outcomes, began))

    def _carried_out(self, units: Batch) -> list[Outcome]:
        if self._connection is None:
            self._connection = self._connect()
        cursor = self._connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        return [_carried_out(cursor, unit) for unit in units]

    def _ended(self, group: Group) -> None:
        self._done(group)
        self._begin()

    # on the thread, while the loop leaves the connection alone

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while (group := self._groups.get()) is not None:
            outcomes = group.outcomes
            try:
                if self._connection is not None and self._connection.in_transaction:
                    self._connection.execute("COMMIT")
            except Exception as error:  # noqa: BLE001 - as above, and the thread goes on
                outcomes = self._failed(group.units, error)
            loop.call_soon_threadsafe(self._ended, Group(group.units, outcomes, time.perf_counter() - group.began))
        self._disconnect()

    def _failed(self, units: Batch, error: Exception) -> list[Outcome]:
        if not isinstance(error, sqlite3.Error):
            log.error("the writer failed", exc_info=error)
        connection = self._connection
        if connection is not None and connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        if not (isinstance(error, sqlite3.Error) and is_full(error)):
            self._disconnect()
        return [down(error) for _ in units]

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error as error:
                log.warning("the database could not be closed", reason=str(error))


def _carried_out(cursor: sqlite3.Cursor, unit: Unit) -> Outcome:
    try:
        return execute(cursor, unit[1], unit[2])
    except sqlite3.Error as error:
        if not is_down(error):
            return _refused(error)
        if is_full(error) and cursor.connection.in_transaction:
            return down(error)
        raise
    except (OverflowError, TypeError, ValueError) as error:  # a value that SQLite has no type for
        return _refused(error)


def _refused(error: Exception) -> ValueError:
    refusal = ValueError(str(error))
    refusal.__cause__ = error
    return refusal
