"""Payments of a small world, and the keeper of state that they are shown to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway import Database
from gateway.database.opening import open_database, sqlite_url
from gateway.store.redis import RedisStore
from plugins.fraud.event import Event
from tests.plugins.fraud.gates import Gates, gates
from tests.servers import Valkey, valkey_server

NOON = 1_760_011_200.0
"""2025-10-09 12:00 UTC, a Thursday."""


def event(number: int = 0, at: float = NOON, **of: Any) -> Event:
    return Event(**({"id": f"p{number}", "at": at, "amount": 1_000, "currency": "eur"} | of))


@pytest.fixture(scope="package")
def valkey(tmp_path_factory) -> Iterator[Valkey]:
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def engine() -> str:
    """A test that is about statements says ``BOTH``."""
    return "sqlite"


BOTH = pytest.mark.parametrize("engine", ["sqlite", "postgres"])


@pytest.fixture
def url(engine: str, request: pytest.FixtureRequest) -> str:
    """Of a database with the newest schema."""
    if engine == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return sqlite_url(request.getfixturevalue("sqlite_path"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    made = open_database(url)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def make(database: Database) -> AsyncIterator[Gates]:
    async with gates(database) as made:
        yield made


@pytest.fixture
async def stores(valkey: Valkey) -> AsyncIterator[Callable[[], Awaitable[RedisStore]]]:
    """Makes what a gateway has of the store that all share, which is empty."""
    valkey.run("FLUSHALL")
    async with AsyncExitStack() as stack:

        async def made() -> RedisStore:
            store = RedisStore(valkey.url, timeout=1.0)
            await store.open()
            stack.push_async_callback(store.close)
            return store

        yield made
