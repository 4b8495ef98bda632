"""Blocks in the ledger's database: what a restart, or a store that forgot, must not free."""

from __future__ import annotations

from asyncio import Future
from dataclasses import dataclass
from typing import Any

from gateway import Database

MOST = 10_000
"""Blocks that are read at once: the ones that end last."""

_PUT = """
INSERT INTO blocks (id, author, reason, created_at, ends_at) VALUES ($1, $2, $3, {now}, {now} + $4)
ON CONFLICT (id) DO UPDATE SET author = excluded.author, reason = excluded.reason, created_at = excluded.created_at,
  ends_at = excluded.ends_at
"""

_REMOVE = "DELETE FROM blocks WHERE id = $1"

_PURGE = "DELETE FROM blocks WHERE ends_at <= {now}"

_LIVE = f"""
SELECT id, author, reason, created_at, ends_at - {{now}} FROM blocks WHERE ends_at > {{now}}
ORDER BY ends_at DESC LIMIT {MOST}
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class Kept:
    """One that has not ended.  ``left`` is in seconds."""

    id: str
    author: str
    reason: str
    created_at: float
    left: float


class Records:
    """DatabaseDown where the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, id: str, author: str, reason: str, seconds: float) -> Future[list[Any]]:  # noqa: A002
        return self._database.write(_PUT, id, author, reason, float(seconds))

    def remove(self, id: str) -> Future[list[Any]]:  # noqa: A002
        return self._database.write(_REMOVE, id)

    async def live(self) -> list[Kept]:
        return [Kept(*row) for row in await self._database.read(_LIVE)]

    async def purge(self) -> None:
        await self._database.write(_PURGE)
