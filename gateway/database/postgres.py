"""PostgreSQL: one connection that writes in groups and is made anew where it is lost, and some that read."""

from __future__ import annotations

import asyncio
import contextlib
import time
from asyncio import Future
from collections.abc import Mapping
from random import uniform
from typing import Any

import asyncpg
import structlog

from gateway.database.handoff import AWAY, MOST_IN_GROUP, MOST_WAITING, Batch, Group, Handoff, down
from gateway.database.postgres_schema import bring_up
from gateway.database.postgres_session import (
    CONNECTS_WITHIN,
    SETTINGS,
    Connection,
    connect,
    is_down,
    is_gone,
    see_that_commits_last,
)
from gateway.database.postgres_writer import Commit, dialect
from gateway.database.protocol import DatabaseDown, Row, Unfit
from gateway.database.schema import HEAD, Migrate

log = structlog.get_logger("payguard.database")

READERS = 4
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0
CLOSES_WITHIN = 8.0


class PostgresDatabase:
    """A Database on the server and database that ``url`` names, in a namespace of its own there.

    ``most`` statements may wait; one waits for at most ``patience`` seconds, of which a group has half; a group that
    takes ``slow`` seconds is logged.  While the server cannot be reached, statements fail at once.
    """

    def __init__(
        self,
        url: str,
        *,
        migrate: Migrate = "auto",
        most: int = MOST_WAITING,
        patience: float = 10.0,
        slow: float = 1.0,
    ) -> None:
        self._url = url
        self._migrate = migrate
        self._patience = patience
        self._batches: asyncio.Queue[Batch | None] = asyncio.Queue()
        self._handoff = Handoff(self._batches.put_nowait, most=most, patience=patience, slow=slow)
        self._opened = self._closing = False
        self._first: Future[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._readers: asyncpg.Pool[asyncpg.Record] | None = None

    @property
    def opened(self) -> bool:
        return self._opened

    @property
    def trouble(self) -> str | None:
        return self._handoff.trouble

    def write(self, statement: str, *values: Any, lock: bytes = b"") -> Future[list[Row]]:
        return self._handoff.write(statement, values, lock)

    async def read(self, statement: str, *values: Any) -> list[Row]:
        pool = self._readers
        if pool is None or not self._opened:
            raise down(self._handoff.trouble)
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._patience / 2):
                return await self._read(pool, dialect(statement).text, values)
        except TimeoutError as error:
            raise DatabaseDown(AWAY) from error
        finally:
            self._handoff.read(statement, time.perf_counter() - began)

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._first = loop.create_future()
        self._readers = asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=READERS,
            timeout=CONNECTS_WITHIN,
            server_settings=SETTINGS | {"default_transaction_read_only": "on"},
            reset=_as_it_is,
        )
        await self._readers
        self._keeping = asyncio.create_task(self._keep(), name="ledger connection")
        try:
            await self._first
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        self._handoff.pause("it is closed")
        self._closing = True
        self._batches.put_nowait(None)
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            if self._connection is None:
                keeping.cancel()
            done, _ = await asyncio.wait([keeping], timeout=CLOSES_WITHIN)
            if not done:
                keeping.cancel()
                await asyncio.wait([keeping])
            self._fail("it is closed")
        pool, self._readers = self._readers, None
        if pool is not None:
            pool.terminate()
        self._opened = False

    def stats(self) -> Mapping[str, float]:
        handoff, pool = self._handoff, self._readers
        writing = self._connection is not None
        return {
            "queued": handoff.waiting,
            "commits_total": handoff.commits,
            "statements_total": handoff.statements,
            "failures_total": handoff.failures,
            "slow_total": handoff.slow,
            "seconds_total": handoff.seconds,
            "connections": writing + (pool.get_size() if pool else 0),
            "connections_idle": pool.get_idle_size() if pool else 0,
        }

    # the connection that writes

    async def _keep(self) -> None:
        """Connect, write until the connection is lost, and once more."""
        while not self._closing:
            connection = await self._connected()
            self._connection = connection
            try:
                reason = await self._write_on(connection)
            except BaseException:
                connection.terminate()
                raise
            finally:
                self._connection = None
            if not self._closing:
                log.error("the ledger's connection was lost", reason=reason)
            self._handoff.pause(reason)
            self._fail(reason)
            await _end(connection)

    async def _connected(self) -> Connection:
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._connect()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is said, and tried again
                self._told(error)
            await asyncio.sleep(uniform(pause / 2, pause))  # noqa: S311 - spreads load, guards nothing
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _connect(self) -> Connection:
        connection = await connect(self._url)
        try:
            async with asyncio.timeout(CONNECTS_WITHIN):
                told = await see_that_commits_last(connection)
            # later, a newer schema may have been made for those that take over
            migrated = not self._opened and await bring_up(connection, self._migrate)
        except BaseException:
            connection.terminate()
            raise
        connection.add_termination_listener(lambda _: self._batches.put_nowait([]))  # so that a loss is seen when idle
        if self._opened:
            log.info("the ledger's connection is there again")
        elif told:
            log.warning("synchronous_commit is off on the server; it is on for the ledger's own commits")
        if migrated:
            log.info("the database's schema was brought up to date", now=HEAD)
        self._opened = True
        self._handoff.open(asyncio.get_running_loop())
        self._open_told(None)
        return connection

    def _told(self, error: Exception) -> None:
        """Say it where it is news."""
        reason = str(error) or f"no answer within {CONNECTS_WITHIN:g} s"
        if isinstance(error, Unfit) and self._first is not None and not self._first.done():
            self._open_told(error)
        elif reason != self._handoff.trouble:
            log.error("the ledger cannot be reached", reason=reason)
        self._handoff.pause(reason)
        self._open_told(None)

    def _open_told(self, error: Exception | None) -> None:
        if self._first is None or self._first.done():
            return
        if error is None:
            self._first.set_result(None)
        else:
            self._first.set_exception(error)

    async def _write_on(self, connection: Connection) -> str:
        """Until it is of no use any more, or everything is written and no more will come; why."""
        while True:
            batch = await self._batches.get()
            if batch is None:
                return "it is closed"
            units = self._with_what_waits(batch)
            if units and (reason := await self._commit(connection, units)):
                return reason
            if connection.is_closed():
                return "the server closed the connection"

    async def _gathered(self, group: Group) -> None:
        gathered = asyncio.Event()
        self._handoff.gather(group, gathered.set)
        await gathered.wait()

    def _with_what_waits(self, batch: Batch) -> Batch:
        units = batch
        while not self._batches.empty() and len(units) < MOST_IN_GROUP:
            more = self._batches.get_nowait()
            if more is None:
                self._batches.put_nowait(None)
                break
            units = units + more
        return units

    async def _commit(self, connection: Connection, units: Batch) -> str | None:
        """Why the connection is of no use any more."""
        commit = Commit(connection, units)
        began, reason = time.perf_counter(), None
        try:
            async with asyncio.timeout(self._patience / 2):
                await commit.run()
        except TimeoutError:
            reason = f"no answer within {self._patience / 2:g} s"
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            reason = str(error) or type(error).__name__
        except Exception as error:
            log.exception("the writer failed")
            reason = repr(error)
        group = Group(units, commit.outcomes(reason), time.perf_counter() - began)
        self._handoff.settle(group)
        if reason is None:
            await self._gathered(group)
        return reason

    def _fail(self, reason: str) -> None:
        """What still waits for a connection that is lost was not sent, and is not kept for the next."""
        while not self._batches.empty():
            if units := self._batches.get_nowait():
                self._handoff.settle(Group(units, [down(reason) for _ in units], 0.0))

    # reading

    async def _read(self, pool: asyncpg.Pool[asyncpg.Record], text: str, values: tuple[Any, ...]) -> list[Row]:
        try:
            return await _fetched(pool, text, values)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if isinstance(error, asyncpg.PostgresError) and not is_gone(error):
                raise (down(error) if is_down(error) else ValueError(str(error))) from error
        with contextlib.suppress(asyncpg.InterfaceError):
            await pool.expire_connections()  # the server was started again: the others are of no use either
        try:
            return await _fetched(pool, text, values)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise down(error) from error


async def _fetched(pool: asyncpg.Pool[asyncpg.Record], text: str, values: tuple[Any, ...]) -> list[Row]:
    """Whoever stops waiting, leaves no connection behind that waits for a server which hangs."""
    connection = await pool.acquire()
    try:
        return await connection.fetch(text, *values)  # type: ignore[return-value]  # records are sequences
    except asyncio.CancelledError:
        connection.terminate()
        raise
    finally:
        await pool.release(connection)


async def _as_it_is(_: object) -> None:
    """A statement that reads leaves nothing behind that would have to be reset."""


async def _end(connection: Connection) -> None:
    try:
        await connection.close(timeout=1.0)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
