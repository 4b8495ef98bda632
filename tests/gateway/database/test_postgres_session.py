"""A PostgreSQL session, and what its errors mean."""

from __future__ import annotations

import asyncpg
import pytest

from gateway.database.postgres_session import (
    SETTINGS,
    another_time,
    connect,
    is_down,
    is_gone,
    see_that_commits_last,
    sqlstate,
)
from tests.gateway.database.conftest import until


async def test_a_session_has_its_limits_set_at_the_server(postgres) -> None:
    session = await connect(postgres.url())
    unlimited = [name for name in SETTINGS if name.endswith("timeout") and await shown(session, name) in ("0", "0ms")]
    assert unlimited == []
    assert await shown(session, "application_name") == "payguard"
    await session.close()


async def shown(session: asyncpg.Connection, name: str) -> str:
    return str(await session.fetchval(f"SHOW {name}"))


async def test_a_session_that_is_left_in_a_transaction_lets_go_of_its_rows(postgres) -> None:
    session = await connect(postgres.url())
    await session.execute("SET idle_in_transaction_session_timeout = 50")
    await session.execute("BEGIN; CREATE TABLE public.held (id INT); LOCK TABLE public.held")
    await until(session.is_closed)
    assert await postgres.run("SELECT to_regclass('public.held')") == [(None,)]


async def test_a_server_as_it_should_be_needs_nothing_said(postgres) -> None:
    session = await connect(postgres.url())
    assert await see_that_commits_last(session) is False
    await session.execute("SET synchronous_commit = off")
    assert await see_that_commits_last(session) is True
    assert await shown(session, "synchronous_commit") == "on"
    await session.close()


@pytest.mark.parametrize(
    ("error", "down", "gone", "again"),
    [
        (asyncpg.UniqueViolationError("x"), False, False, False),
        (asyncpg.PostgresSyntaxError("x"), False, False, False),
        (ValueError("x"), False, False, False),
        (asyncpg.InterfaceError("x"), False, False, False),
        (asyncpg.DiskFullError("x"), True, False, False),
        (asyncpg.DeadlockDetectedError("x"), True, False, True),
        (asyncpg.LockNotAvailableError("x"), True, False, True),
        (asyncpg.QueryCanceledError("x"), True, False, False),
        (asyncpg.AdminShutdownError("x"), True, True, False),
        (asyncpg.ConnectionDoesNotExistError("x"), True, True, False),
        (asyncpg.ReadOnlySQLTransactionError("x"), True, True, False),
        (ConnectionResetError("x"), True, False, False),
    ],
)
def test_what_an_error_means(error, down, gone, again) -> None:
    assert (is_down(error), is_gone(error), another_time(error)) == (down, gone, again)


def test_an_error_of_the_client_s_own_has_no_state() -> None:
    assert sqlstate(asyncpg.UniqueViolationError("x")) == "23505"
    assert sqlstate(OSError()) is None
