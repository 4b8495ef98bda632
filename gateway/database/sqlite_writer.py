"""The one writer of a SQLite file: what waits is carried out as one group, and a thread commits it."""

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

from gateway.database import clock
from gateway.database.handoff import Batch, Group, Outcome, Unit, down
from gateway.database.sqlite_file import begin, execute, is_down, is_full

log = structlog.get_logger("payguard.database")

Connect = Callable[[], sqlite3.Connection]
Gather = Callable[[Group, Callable[[], None]], object]
"""That of a Handoff."""

MOST_AT_ONCE = 128
"""Statements after which no further batch joins a group: the event loop does nothing else meanwhile, some 2 ms."""

QUICK = 0.002
QUICK_EACH = 0.0002
"""Seconds for a group and for each of its statements: ten times what they take where no page has to be read."""

SLOW_FOR = 1.0
"""Seconds for which a group that was not quick keeps those after it off the event loop."""


def _at_once(_: Group, then: Callable[[], None]) -> None:
    then()


class _Group(NamedTuple):
    """``carried_out`` are the outcomes of what is not committed yet, or why that failed; None where it is to be done.

    ``began`` is by ``time.perf_counter()``.
    """

    units: Batch
    carried_out: list[Outcome] | Exception | None
    began: float


class SqliteWriter:
    """Commits what is put, in groups.

    ``put`` is called on the event loop, and so is ``done``, once for each group, in order; then ``gather`` says when
    what waits is the next group.

    Statements are carried out on the loop, in SQLite's own cache, as long as that is quick; a thread does what waits:
    it commits, it connects, and while somebody else has the file or pages come slowly from the disk, it carries the
    statements out too.  docs/decisions/0013 says why.

    A statement that is refused fails alone and the others of its group are committed.  Where there is no room for all,
    they are carried out one by one: the outcome of a payment may fit where a new one does not.  Any other trouble fails
    the group; the connection is then made anew for the next.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._waiting: deque[Batch] = deque()
        self._busy = False
        self._idle = asyncio.Event()
        self._slow_until = 0.0
        self._groups: SimpleQueue[_Group | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._thread: threading.Thread | None = None
        self._done: Callable[[Group], object] = lambda _: None
        self._gather: Gather = _at_once

    def start(self, connection: sqlite3.Connection, done: Callable[[Group], object], gather: Gather = _at_once) -> None:
        self._connection, self._done, self._gather = connection, done, gather
        self._idle.set()
        loop = asyncio.get_running_loop()
        # a daemon: a disk that hangs must not keep the process from ending
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

    # on the loop, while the thread leaves the connection alone

    def _begin(self) -> None:
        units: Batch = []
        while self._waiting and len(units) < MOST_AT_ONCE:
            units += self._waiting.popleft()
        self._busy = bool(units)
        if not units:
            self._idle.set()
            return
        self._idle.clear()
        began = time.perf_counter()
        carried_out = self._at_once(units) if began >= self._slow_until else None
        self._groups.put(_Group(units, carried_out, began))

    def _at_once(self, units: Batch) -> list[Outcome] | Exception | None:
        """None where it would have to wait for a connection or for the file."""
        if self._connection is None:
            return None
        began = time.perf_counter()
        try:
            cursor = self._connection.cursor()
            if not begin(cursor, within=0.0):
                return None
            now = clock.now()
            return [_carried_out(cursor, unit, now) for unit in units]
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits must be told
            return error
        finally:
            ended = time.perf_counter()
            if ended - began > QUICK + QUICK_EACH * len(units):
                self._slow_until = ended + SLOW_FOR

    def _ended(self, group: Group) -> None:
        self._done(group)
        self._gather(group, self._begin)

    # on the thread, while the loop leaves the connection alone

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while (group := self._groups.get()) is not None:
            outcomes = self._committed(group)
            ended = Group(group.units, outcomes, time.perf_counter() - group.began)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._ended, ended)
        self._disconnect()

    def _committed(self, group: _Group) -> list[Outcome]:
        units, outcomes, _ = group
        try:
            if isinstance(outcomes, Exception):
                raise outcomes  # noqa: TRY301 - it is told as if it had happened here
            if self._connection is None:
                self._connection = self._connect()
            cursor = self._connection.cursor()
            if outcomes is None:
                begin(cursor)
                now = clock.now()
                outcomes = [_carried_out(cursor, unit, now) for unit in units]
            cursor.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - as above, and the thread goes on
            self._recover(error)
            if len(units) > 1 and is_full(error):
                return [each for unit in units for each in self._committed(_Group([unit], None, 0.0))]
            return [down(error) for _ in units]
        return outcomes

    def _recover(self, error: Exception) -> None:
        if not isinstance(error, sqlite3.Error):
            log.error("the writer failed", exc_info=error)
        connection = self._connection
        if connection is not None and connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        if not is_full(error):
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error as error:
                log.warning("the database could not be closed", reason=str(error))


def _carried_out(cursor: sqlite3.Cursor, unit: Unit, now: float) -> Outcome:
    try:
        return execute(cursor, unit[1], unit[2], now)
    except sqlite3.Error as error:
        if is_down(error):
            raise
        return _refused(error)
    except (OverflowError, TypeError, ValueError) as error:  # a value that SQLite has no type for
        return _refused(error)


def _refused(error: Exception) -> ValueError:
    refusal = ValueError(str(error))
    refusal.__cause__ = error
    return refusal
