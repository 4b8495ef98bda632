"""Databases with a table of things, over each of the two engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest

from gateway.database.postgres import PostgresDatabase
from gateway.database.protocol import Database
from gateway.database.sqlite import SqliteDatabase

TABLE = "CREATE TABLE IF NOT EXISTS things (id TEXT PRIMARY KEY, amount {integer} NOT NULL, at FLOAT, data {bytes})"

ADD = "INSERT INTO things (id, amount) VALUES ($1, $2) RETURNING $1"
COUNT = "SELECT count(*), CAST(coalesce(sum(amount), 0) AS BIGINT) FROM things"


async def until(condition: Callable[[], Any]) -> None:
    """Until something that another process or thread does is done."""
    while not (await done if isawaitable(done := condition()) else done):  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)


OnSqlite = Callable[..., Awaitable[SqliteDatabase]]
OnPostgres = Callable[..., Awaitable[PostgresDatabase]]


@asynccontextmanager
async def opening(integer: str, bytes_: str) -> AsyncIterator[Callable[[Database], Awaitable[None]]]:
    """Opens databases and closes them; one that cannot be reached has no table of things."""
    async with AsyncExitStack() as stack:

        async def begin(database: Database) -> None:
            stack.push_async_callback(database.close)
            await database.open()
            if database.opened:
                await database.write(TABLE.format(integer=integer, bytes=bytes_))

        yield begin


@pytest.fixture
async def on_sqlite(sqlite_path: Path) -> AsyncIterator[OnSqlite]:
    """Opens a database on ``payguard.db`` in the test's folder."""
    async with opening("INTEGER", "BLOB") as begin:

        async def make(**options: Any) -> SqliteDatabase:
            database = SqliteDatabase(sqlite_path, **options)
            await begin(database)
            return database

        yield make


@pytest.fixture
async def on_postgres() -> AsyncIterator[OnPostgres]:
    """Opens a database at a URL."""
    async with opening("BIGINT", "BYTEA") as begin:

        async def make(url: str, **options: Any) -> PostgresDatabase:
            database = PostgresDatabase(url, **options)
            await begin(database)
            return database

        yield make


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request: pytest.FixtureRequest) -> Callable[..., Awaitable[Database]]:
    """Opens a database of either kind, where it was before."""
    if request.param == "sqlite":
        make: Callable[..., Awaitable[Database]] = request.getfixturevalue("on_sqlite")
        return make
    url = request.getfixturevalue("postgres_url")
    return partial(request.getfixturevalue("on_postgres"), url)
