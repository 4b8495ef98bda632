"""A PostgreSQL session: how it is begun so that what is committed stays, and what its errors mean."""

from __future__ import annotations

from typing import Any, TypeAlias

import asyncpg

from gateway.database.protocol import Unfit

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

CONNECTS_WITHIN = 3.0

STATEMENT = 4.0
"""Seconds that the server gives a statement; a group gets a little more, so that the server's own word comes first."""

NAMESPACE = "payguard"
"""Our tables' own: the database may be the backend's too."""

SETTINGS = {
    "application_name": "payguard",
    "search_path": NAMESPACE,
    "statement_timeout": f"{STATEMENT * 1000:.0f}",
    # less than deadlock_timeout (1 s): two groups that wait for each other crosswise part sooner
    "lock_timeout": "500",
    # a gateway that is stopped within a group must not keep others from its rows
    "idle_in_transaction_session_timeout": "3000",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "jit": "off",
}

_ANOTHER_TIME = ("40", "55P03")
"""Rolled back for the sake of another transaction: https://www.postgresql.org/docs/current/errcodes-appendix.html."""

_AWAY = ("08", "25006", "42501", "53", "57", "58", "F0", "XX", *_ANOTHER_TIME)
"""States that say nothing of the statement: no connection, a standby, no right, no room, stopped, broken."""

_GONE = ("08", "25006", "57P")


async def connect(url: str) -> Connection:
    return await asyncpg.connect(
        url,
        timeout=CONNECTS_WITHIN,
        server_settings=SETTINGS,
        max_cached_statement_lifetime=0,
        statement_cache_size=200,
    )


async def see_that_commits_last(connection: Connection) -> bool:
    """Unfit where a crash of the server would take committed payments back; whether the session had to be told.

    ConnectionError where it is a standby: it may be promoted, or another server named by the URL.
    """
    fsync, synchronous, standby = await connection.fetchrow(  # type: ignore[misc]  # it returns a row
        "SELECT current_setting('fsync'), current_setting('synchronous_commit'), pg_is_in_recovery()"
    )
    if standby:
        raise ConnectionError("the PostgreSQL server is a standby, which takes no payments")
    if fsync == "off":
        raise Unfit(
            "the PostgreSQL server runs with fsync = off, so that a crash of it loses payments: set fsync = on there"
        )
    if synchronous == "off":
        await connection.execute("SET synchronous_commit = on")
    return bool(synchronous == "off")


def is_down(error: BaseException) -> bool:
    """Whether it says that the database is away, full or broken, and nothing of the statement."""
    state = sqlstate(error)
    return isinstance(error, OSError) if state is None else state.startswith(_AWAY)


def is_gone(error: BaseException) -> bool:
    """Whether the session is of no use any more."""
    state = sqlstate(error)
    return state is not None and state.startswith(_GONE)


def another_time(error: BaseException) -> bool:
    """Whether the same statement may well succeed at once."""
    state = sqlstate(error)
    return state is not None and state.startswith(_ANOTHER_TIME)


def sqlstate(error: BaseException) -> str | None:
    found: Any = getattr(error, "sqlstate", None)
    return found if isinstance(found, str) else None
