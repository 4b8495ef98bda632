"""What tests of every room may ask for: databases that are up to date, and a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.database.postgres import PostgresDatabase
from gateway.database.sqlite_file import connect
from gateway.database.sqlite_schema import bring_up
from tests.servers import Postgres, postgres_server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema and nothing in it: what takes a second is done once."""
    path = tmp_path_factory.mktemp("migrated") / "payguard.db"
    connection = connect(path, cache=1024)
    bring_up(connection, "auto")
    connection.close()
    return path


@pytest.fixture
def sqlite_path(migrated_file: Path, tmp_path: Path) -> Path:
    """A SQLite file of the test's own, with the newest schema."""
    return Path(shutil.copy(migrated_file, tmp_path / "payguard.db"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests that leave it as it is."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server that the test may stop, kill and freeze."""
    with postgres_server() as server:
        yield server


@pytest.fixture
async def postgres_url(postgres: Postgres) -> AsyncIterator[str]:
    """The URL of a database of the test's own, with the newest schema."""
    if postgres.template is None:
        template = await postgres.create()
        first = PostgresDatabase(postgres.url(template))
        await first.open()
        await first.close()
        postgres.template = template
    name = await postgres.create(postgres.template)
    yield postgres.url(name)
    await postgres.drop(name)
