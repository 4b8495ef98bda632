"""Payments of a small world, and the keeper of state that they are shown to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from gateway import Database
from gateway.database.opening import open_database, sqlite_url
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


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """With the newest schema, on each engine."""
    postgres = request.param == "postgres"
    made = open_database(
        request.getfixturevalue("postgres_url") if postgres else sqlite_url(request.getfixturevalue("sqlite_path"))
    )
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def make(database: Database) -> AsyncIterator[Gates]:
    async with gates(database) as made:
        yield made
