"""The schema in PostgreSQL: a namespace of its own, which version it says it has, and its way to the newest."""

from __future__ import annotations

import asyncio

from gateway.database.postgres_session import NAMESPACE, Connection
from gateway.database.schema import VERSION_OF, VERSION_TABLE, Migrate, behind, refuse_manual, statements

_LOCK = 0x7061_7967_7561_7264
""""payguard": what a program holds while it migrates, so that no other does."""

_THERE = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2)
"""
"""Read from the tables: what to_regclass says is remembered, and who waited for a lock would be told of before."""

_PATIENT = (
    "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
)


async def version(connection: Connection) -> str | None:
    """None where there is no schema yet."""
    if not await connection.fetchval(_THERE, NAMESPACE, VERSION_TABLE):
        return None
    found = await connection.fetchval(VERSION_OF)
    return None if found is None else str(found)


async def bring_up(connection: Connection, migrate: Migrate) -> bool:
    """Whether it had to be.  SchemaMismatch where it is newer, or older and only a person may change it."""
    found, done = await version(connection), False
    while behind(found):
        if migrate == "manual":
            raise refuse_manual(found)
        sql = await asyncio.get_running_loop().run_in_executor(None, statements, "postgresql", found)
        async with connection.transaction():
            await connection.execute(_PATIENT)
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            if await version(connection) == found:  # nobody else was quicker
                await _make_namespace(connection)
                await connection.execute(sql)
                done = True
        found = await version(connection)
    return done


async def _make_namespace(connection: Connection) -> None:
    """Not IF NOT EXISTS: that asks for the right to make one also where there is one already."""
    if await connection.fetchval("SELECT to_regnamespace($1)", NAMESPACE) is None:
        await connection.execute(f"CREATE SCHEMA {NAMESPACE}")
