"""Ledgers over each of the two engines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeAlias

import pytest

from gateway.database.opening import open_database, sqlite_path, sqlite_url
from gateway.database.protocol import Database
from gateway.ledger.sql import SqlLedger

Databases: TypeAlias = Callable[[], Awaitable[Database]]


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(engine: str, request: pytest.FixtureRequest) -> str:
    """Of a database of the test's own, with the newest schema."""
    return (
        sqlite_url(request.getfixturevalue("sqlite_path"))
        if engine == "sqlite"
        else request.getfixturevalue("postgres_url")
    )


@pytest.fixture
async def databases(url: str) -> AsyncIterator[Databases]:
    """Opens one database again and again: a SQLite file has one owner, a PostgreSQL any number of gateways."""
    async with AsyncExitStack() as stack:
        opened: list[Database] = []

        async def make() -> Database:
            if opened and sqlite_path(url):
                return opened[0]
            database = open_database(url)
            opened.append(database)
            stack.push_async_callback(database.close)
            await database.open()
            return database

        yield make


@pytest.fixture
async def database(databases: Databases) -> Database:
    return await databases()


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


@pytest.fixture
async def other(databases: Databases) -> SqlLedger:
    """Of another gateway, on the same database."""
    return SqlLedger(await databases())
