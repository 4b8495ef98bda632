"""Databases of both kinds, with the newest schema."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.database.postgres import PostgresDatabase
from gateway.database.protocol import Database
from gateway.database.sqlite import SqliteDatabase


@pytest.fixture(params=["sqlite", "postgres"])
def closed_database(request) -> Database:
    if request.param == "sqlite":
        return SqliteDatabase(request.getfixturevalue("sqlite_path"))
    return PostgresDatabase(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def either_database(closed_database) -> AsyncIterator[Database]:
    await closed_database.open()
    yield closed_database
    await closed_database.close()
