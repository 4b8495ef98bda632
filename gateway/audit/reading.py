"""Reading: the whole trail from its database, in batches, beside whatever gateways write to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from gateway.audit import statements as sql
from gateway.audit.entries import Entry, Seal
from gateway.database.opening import shown, sqlite_path
from gateway.database.protocol import Unfit

Items: TypeAlias = Sequence[Entry | Seal]

BATCH = 2000


class Reading:
    """One view of the trail, as it was when it began.

    ``first`` are the seals that are needed before the others: those before which old entries were removed, and those
    that say which keys sealed before.  ``batches`` yields the rest, writer by writer: each entry in the order of its
    place, each seal after its entry.
    """

    def __init__(self, first: Sequence[Seal], batches: AsyncIterator[Items]) -> None:
        self.first = first
        self.batches = batches


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[Reading]:
    """Unfit where the database cannot be read, or holds no trail."""
    if (path := sqlite_path(url)) is None:
        async with _on_server(url) as made:
            yield made
        return
    import sqlite3  # noqa: PLC0415 - a driver

    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            connection.execute("BEGIN")
            first = _first(connection.execute(sql.FIRST).fetchall())
            yield Reading(first, _of_file(connection.execute(sql.EVERYTHING)))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise Unfit(f"cannot read the audit trail of {path}: {error}") from error


async def _of_file(cursor: Any) -> AsyncIterator[Items]:
    while rows := cursor.fetchmany(BATCH):
        yield [_item(row) for row in rows]


@asynccontextmanager
async def _on_server(url: str) -> AsyncIterator[Reading]:
    import asyncpg  # noqa: PLC0415 - a driver

    from gateway.database.postgres_session import connect  # noqa: PLC0415

    try:
        connection = await connect(url)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise Unfit(f"cannot use the database {shown(url)}: {error or type(error).__name__}") from error
    try:
        await connection.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            first = _first(await connection.fetch(sql.FIRST))
            yield Reading(first, _of_server(await connection.cursor(sql.EVERYTHING)))
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unfit(f"cannot read the audit trail of {shown(url)}: {error}") from error
    finally:
        await connection.close(timeout=2.0)


async def _of_server(cursor: Any) -> AsyncIterator[Items]:
    while rows := await cursor.fetch(BATCH):
        yield [_item(row) for row in rows]
        await asyncio.sleep(0)


def _first(rows: Sequence[Any]) -> list[Seal]:
    """Of each writer the last ``kept``: they come in their order."""
    return list({(seal.writer, seal.kind): seal for seal in (Seal(*row) for row in rows)}.values())


def _item(row: Sequence[Any]) -> Entry | Seal:
    writer, seq, kind, hash_, entry, at, key, signature = row
    return Seal(writer, seq, kind, hash_, at, key, signature) if kind else Entry(writer, seq, hash_, entry)
