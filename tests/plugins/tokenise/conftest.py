"""Databases with the gateway's schema, over each of the two engines."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.database.opening import open_database, sqlite_url
from gateway.database.protocol import Database


@pytest.fixture(params=["sqlite", "postgres"])
def url(request) -> str:
    if request.param == "sqlite":
        return sqlite_url(request.getfixturevalue("sqlite_path"))
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database(url) -> AsyncIterator[Database]:
    made = open_database(url)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def other(url, database) -> AsyncIterator[Database]:
    """What another gateway has of the same database; SQLite's is one gateway's alone."""
    if url.startswith("sqlite"):
        yield database
        return
    made = open_database(url)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def sqlite(sqlite_path) -> AsyncIterator[Database]:
    made = open_database(sqlite_url(sqlite_path))
    await made.open()
    yield made
    await made.close()
