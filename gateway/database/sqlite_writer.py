"""The one writer of a SQLite file: a thread that commits what waits as one group."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

import structlog

from gateway.database.handoff import MOST_IN_GROUP, Batch, Group, Outcome, Unit, down
from gateway.database.sqlite_file import execute, is_down, is_full

log = structlog.get_logger("payguard.database")

Connect = Callable[[], sqlite3.Connection]


class SqliteWriter:
    """``put`` is for any thread; ``done`` is called on the writer's own, once for each group, in order.

    A statement that is refused fails alone and the others of its group are committed.  One for which there is no room
    fails alone too, where SQLite could undo just that: the outcome of a payment may still fit where a new one does
    not.  Any other trouble fails the group; the connection is then made anew for the next.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._queue: SimpleQueue[Batch] = SimpleQueue()
        self.put = self._queue.put
        self._connection: sqlite3.Connection | None = None
        self._thread: threading.Thread | None = None

    def start(self, connection: sqlite3.Connection, done: Callable[[Group], object]) -> None:
        self._connection = connection
        # a daemon: a disk that hangs must not keep the process from ending
        self._thread = threading.Thread(target=self._run, args=(done,), name="sqlite writer", daemon=True)
        self._thread.start()

    def stop(self, within: float) -> bool:
        """Carry out what was put and disconnect; whether that was done in time."""
        thread, self._thread = self._thread, None
        if thread is None:
            return True
        self._queue.put([])
        thread.join(within)
        return not thread.is_alive()

    def _run(self, done: Callable[[Group], object]) -> None:
        while units := self._gathered():
            began = time.perf_counter()
            outcomes = self._outcomes(units)
            done(Group(units, outcomes, time.perf_counter() - began))
        self._disconnect()

    def _gathered(self) -> Batch:
        """What waits, as one; empty at the end."""
        units = self._queue.get()
        while units and len(units) < MOST_IN_GROUP and not self._queue.empty():
            more = self._queue.get()
            if not more:
                self._queue.put(more)
                break
            units = units + more
        return units

    def _outcomes(self, units: Batch) -> list[Outcome]:
        try:
            if self._connection is None:
                self._connection = self._connect()
            return self._commit(self._connection, units)
        except Exception as error:  # whatever it is, who waits must be told and the thread go on
            if not isinstance(error, sqlite3.Error):
                log.exception("the writer failed")
            if not (isinstance(error, sqlite3.Error) and is_full(error)):
                self._disconnect()
            return [down(error) for _ in units]

    def _commit(self, connection: sqlite3.Connection, units: Batch) -> list[Outcome]:
        cursor = connection.cursor()
        try:
            cursor.execute("BEGIN IMMEDIATE")
            outcomes = [_carried_out(cursor, unit) for unit in units]
            cursor.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise
        return outcomes

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
