"""What people ask of a database that no gateway of theirs needs to serve: its schema, and its migration."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from gateway.database.opening import shown, sqlite_path
from gateway.database.protocol import SchemaMismatch, Unfit
from gateway.database.schema import HEAD, behind

if TYPE_CHECKING:
    from gateway.database.postgres_session import Connection

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """``found`` is None where there is no schema yet; ``needed`` is the version that this program works with."""

    database: str
    found: str | None
    needed: str = HEAD

    @property
    def state(self) -> Literal["current", "empty", "behind", "ahead"]:
        try:
            if not behind(self.found):
                return "current"
        except SchemaMismatch:
            return "ahead"
        return "empty" if self.found is None else "behind"


async def schema_status(url: str) -> SchemaStatus:
    """Unfit where it is no database to keep payments in, or cannot be reached."""
    path = sqlite_path(url)
    if path is not None:
        found = await asyncio.get_running_loop().run_in_executor(None, _version_of_file, path)
        return SchemaStatus(shown(url), found)
    from gateway.database.postgres_schema import version  # noqa: PLC0415 - a driver

    return SchemaStatus(shown(url), await _on_server(url, version))


async def migrate(url: str) -> SchemaStatus:
    """Bring the schema up to date; how it was before.  SchemaMismatch where it is newer; Unfit as above."""
    before = await schema_status(url)
    path = sqlite_path(url)
    if path is not None:
        await asyncio.get_running_loop().run_in_executor(None, _migrate_file, path)
        return before
    from gateway.database.postgres_schema import bring_up  # noqa: PLC0415 - a driver

    await _on_server(url, lambda connection: bring_up(connection, "auto"))
    return before


def _version_of_file(path: Path) -> str | None:
    import sqlite3  # noqa: PLC0415 - a driver

    from gateway.database.sqlite_schema import version  # noqa: PLC0415

    if not path.exists():
        return None
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            return version(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise Unfit(f"cannot use the database {path}: {error}") from error


def _migrate_file(path: Path) -> None:
    import sqlite3  # noqa: PLC0415 - a driver

    from gateway.database.sqlite_file import connect, own, reason  # noqa: PLC0415
    from gateway.database.sqlite_schema import bring_up  # noqa: PLC0415

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        owned = own(path.resolve())
        try:
            connection = connect(path, cache=1024)
            try:
                bring_up(connection, "auto")
            finally:
                connection.close()
        finally:
            os.close(owned)
    except (OSError, sqlite3.Error) as error:
        raise Unfit(f"cannot use the database {path}: {reason(error)}") from error


async def _on_server(url: str, ask: Callable[[Connection], Awaitable[T]]) -> T:
    import asyncpg  # noqa: PLC0415 - a driver

    from gateway.database.postgres_session import connect, see_that_commits_last  # noqa: PLC0415

    try:
        connection = await connect(url)
        try:
            await see_that_commits_last(connection)
            return await ask(connection)
        finally:
            await connection.close(timeout=2.0)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise Unfit(f"cannot use the database {shown(url)}: {error or type(error).__name__}") from error
