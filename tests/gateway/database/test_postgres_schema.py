"""The schema in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from gateway.database import postgres_schema
from gateway.database.postgres_schema import bring_up, version
from gateway.database.postgres_session import Connection, connect
from gateway.database.protocol import SchemaMismatch
from gateway.database.schema import HEAD
from tests.gateway.database.conftest import until
from tests.servers import Postgres

TABLES = (
    "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
)


@pytest.fixture
async def empty(postgres: Postgres) -> AsyncIterator[str]:
    """The URL of a database without anything."""
    name = await postgres.create()
    yield postgres.url(name)
    await postgres.drop(name)


@pytest.fixture
async def session(empty: str) -> AsyncIterator[Connection]:
    made = await connect(empty)
    yield made
    await made.close()


async def tables(session: Connection) -> set[str]:
    return {name for (name,) in await session.fetch(TABLES)}


MADE = frozenset(
    {
        "audit",
        "audit_seals",
        "blocks",
        "decisions",
        "fraud_labels",
        "fraud_lists",
        "fraud_matured",
        "key_checks",
        "payments",
        "reencryptions",
        "retries",
        "schema_version",
        "vault",
    }
)


async def test_it_is_brought_up_to_date_once_in_a_namespace_of_its_own(session) -> None:
    assert await version(session) is None
    assert await bring_up(session, "auto")
    assert await version(session) == HEAD
    assert await tables(session) == {f"payguard.{name}" for name in MADE}
    assert not await bring_up(session, "manual")


async def test_of_two_that_start_together_one_does_it(empty, session) -> None:
    other = await connect(empty)
    done = await asyncio.gather(bring_up(session, "auto"), bring_up(other, "auto"))
    await other.close()

    assert sorted(done) == [False, True]
    assert await version(session) == HEAD


async def test_who_migrates_holds_off_the_others(empty, session) -> None:
    other = await connect(empty)
    await other.execute("SELECT pg_advisory_lock($1)", postgres_schema._LOCK)
    migrating = asyncio.create_task(bring_up(session, "auto"))
    await until(lambda: waiting(other))
    assert await tables(other) == set()

    await other.close()
    assert await migrating


async def waiting(session: Connection) -> bool:
    asked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    return bool(await session.fetchval(asked))


async def test_only_a_person_changes_it_where_that_was_said(session) -> None:
    with pytest.raises(SchemaMismatch):
        await bring_up(session, "manual")
    assert await tables(session) == set()


async def test_a_migration_that_fails_leaves_nothing_behind(session, monkeypatch) -> None:
    monkeypatch.setattr(
        postgres_schema, "statements", lambda *_: "CREATE TABLE half (a INT); CREATE TABLE half (a INT);"
    )
    with pytest.raises(asyncpg.DuplicateTableError):
        await bring_up(session, "auto")
    assert await tables(session) == set()
    assert await session.fetchval("SELECT to_regnamespace('payguard')") is None


async def test_a_role_that_may_make_no_namespace_uses_the_one_that_it_was_given(postgres, empty, session) -> None:
    role, name = f"role_{empty.rpartition('_')[2]}", empty.rpartition("/")[2]
    await postgres.run(f"CREATE ROLE {role} LOGIN PASSWORD 'word'")
    theirs = await connect(empty.replace(f"payguard:{postgres.password}", f"{role}:word"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await bring_up(theirs, "auto")

    await postgres.run(f"CREATE SCHEMA payguard AUTHORIZATION {role}", database=name)
    assert await bring_up(theirs, "auto")
    await theirs.close()
    await postgres.run(f"DROP OWNED BY {role} CASCADE", database=name)
    await postgres.run(f"DROP ROLE {role}")
