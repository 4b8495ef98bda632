"""References: how much of what is stored was sealed by which key, counted in steps that hold nobody up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from gateway.crypto.stored import Stored
from gateway.database.protocol import Database

STEP = 2000
"""Rows that one statement looks at."""


class References:
    """Of keys whose sealed bytes name them, as those of a LocalKeyring do.  DatabaseDown where nobody can tell."""

    def __init__(self, database: Database, stored: Sequence[Stored]) -> None:
        self._database = database
        self._stored = stored

    async def counts(self, keys: Sequence[str]) -> dict[str, dict[str, int]]:
        """By the ids of keys, how many values each column has of it; columns that have none are left out."""
        found: dict[str, dict[str, int]] = {key: {} for key in keys}
        for stored in self._stored if keys else ():
            for key, number in (await self._of(stored, keys)).items():
                if number:
                    found[key][stored.name] = number
        return found

    async def _of(self, stored: Stored, keys: Sequence[str]) -> Mapping[str, int]:
        numbers = dict.fromkeys(keys, 0)
        statement = _counting(stored, keys)
        async for after, last in steps(self._database, stored, STEP):
            rows = await self._database.read(statement, after, last, *(stored.begins(key) for key in keys))
            for key, number in zip(keys, rows[0], strict=True):
                numbers[key] += number or 0
        return numbers


async def steps(database: Database, stored: Stored, size: int, after: str = "") -> AsyncIterator[tuple[str, str]]:
    """The rows of its table, ``size`` at once: each is behind the first id, up to the second."""
    end = (
        f"SELECT MAX({stored.id}) FROM (SELECT {stored.id} FROM {stored.table} "  # noqa: S608 - words of the code
        f"WHERE {stored.id} > $1 ORDER BY {stored.id} LIMIT {size}) AS step"
    )
    while (last := (await database.read(end, after))[0][0]) is not None:
        yield after, last
        after = last


def begin(stored: Stored, key: str, place: str) -> str:
    """The condition that a value was sealed by this key, whose ``begins`` is the parameter at ``place``."""
    return f"SUBSTR({stored.column}, 1, {len(stored.begins(key))}) = {place}"


def _counting(stored: Stored, keys: Sequence[str]) -> str:
    sums = ", ".join(
        f"SUM(CASE WHEN {begin(stored, key, f'${number}')} THEN 1 ELSE 0 END)" for number, key in enumerate(keys, 3)
    )
    return (
        f"SELECT {sums} FROM {stored.table} "  # noqa: S608 - as above
        f"WHERE {stored.id} > $1 AND {stored.id} <= $2 AND {stored.column} IS NOT NULL"
    )
