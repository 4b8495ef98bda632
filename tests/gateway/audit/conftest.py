"""Audit trails over each of the two engines."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway.audit.signing import Sealer, Signer
from gateway.audit.writer import AuditWriter
from gateway.database.opening import open_database, sqlite_url
from gateway.database.protocol import Database
from gateway.telemetry.masking import Masking

SIGNER = Signer(b"a seed of the tests alone, 32 b.")

Writers = Callable[..., AuditWriter]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """Of a database of the test's own, with the newest schema."""
    if request.param == "sqlite":
        return sqlite_url(request.getfixturevalue("sqlite_path"))
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with AsyncExitStack() as stack:
        made = open_database(url)
        stack.push_async_callback(made.close)
        await made.open()
        yield made


@pytest.fixture
def told() -> list[tuple[str, dict[str, Any]]]:
    """Events: code and detail."""
    return []


@pytest.fixture
def writers(told: list[tuple[str, dict[str, Any]]]) -> Writers:
    """Makes writers on a database; their clock passes a second for each entry, and they seal by hand."""

    def make(database: Database, **options: Any) -> AuditWriter:
        seconds = itertools.count(1_700_000_000)
        given: dict[str, Any] = {
            "masks": Masking(),
            "hash": lambda purpose, value: f"1:{purpose} {value[::-1]}",
            "now": lambda: float(next(seconds)),
            "policy": lambda: "5ba1",
            "tell": lambda code, **detail: told.append((code, detail)),
            "every": 1000.0,
        }
        return AuditWriter(database, Sealer([SIGNER]), **{**given, **options})

    return make


@pytest.fixture
def writer(database: Database, writers: Writers) -> AuditWriter:
    return writers(database)
