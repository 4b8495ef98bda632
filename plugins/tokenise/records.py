"""The vault's rows in the ledger's database."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway import Database, Stored

STEP = 500
"""Rows that one statement removes."""

STORED = Stored.tokens("vault", "sealed", "vault", field="id", tenant="tenant", key_column="key_id")
"""How ``sealed`` is bound: to the row's tenant, the word ``vault`` and the digest of the token."""

_GOOD = "(expires_at IS NULL OR expires_at > {now})"

_KEEP = """
INSERT INTO vault (id, tenant, card, customer, sealed, key_id, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, {now}, {now} + $7)
ON CONFLICT (card) WHERE card IS NOT NULL DO UPDATE SET id = excluded.id, tenant = excluded.tenant,
  customer = excluded.customer, sealed = excluded.sealed, key_id = excluded.key_id, created_at = excluded.created_at,
  expires_at = excluded.expires_at WHERE vault.expires_at <= {now}
RETURNING id
"""

_BY_ID = f"SELECT sealed FROM vault WHERE id = $1 AND tenant = $2 AND {_GOOD}"  # noqa: S608 - constants

_FORGET = "DELETE FROM vault WHERE id = $1 AND tenant = $2 RETURNING id"

_FORGET_CUSTOMER = f"""
DELETE FROM vault WHERE id IN (SELECT id FROM vault WHERE customer = $1 LIMIT {STEP}) RETURNING CAST($1 AS TEXT)
"""  # noqa: S608 - a constant

_PURGE = f"""
DELETE FROM vault WHERE id IN (SELECT id FROM vault WHERE expires_at <= {{now}} ORDER BY expires_at LIMIT {STEP})
RETURNING CAST($1 AS TEXT)
"""  # noqa: S608 - a constant

_COUNT = """
SELECT key_id, count(*), count(CASE WHEN expires_at <= {now} THEN 1 END) FROM vault WHERE tenant = $1
GROUP BY key_id ORDER BY key_id
"""


@dataclass(frozen=True, slots=True)
class Row:
    """``id`` is the digest of its token, ``card`` and ``customer`` are keyed hashes; good for ``left`` seconds."""

    id: str
    tenant: str
    sealed: str
    key_id: str
    card: str | None = None
    customer: str | None = None
    left: float | None = None


class Records:
    """DatabaseDown where the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, row: Row) -> bool:
        """False where its card has a token already that is good; one that has expired gives way."""
        values = (row.id, row.tenant, row.card, row.customer, row.sealed, row.key_id, row.left)
        return bool(await self._database.write(_KEEP, *values, lock=(row.card or row.id).encode()))

    async def of_card(self, hashes: Sequence[str]) -> tuple[str, str, float | None] | None:
        """Digest, what is sealed, and the seconds that are left, of the first of these hashes that has a token."""
        places = ", ".join(f"${number}" for number in range(1, len(hashes) + 1))
        rows = await self._database.read(
            f"SELECT card, id, sealed, expires_at - {{now}} FROM vault WHERE card IN ({places}) AND {_GOOD}",  # noqa: S608
            *hashes,
        )
        found = {str(card): (str(id_), str(sealed), left) for card, id_, sealed, left in rows}
        return next((found[each] for each in hashes if each in found), None)

    async def sealed(self, digest: str, tenant: str) -> str | None:
        """What is sealed under this digest of a token, where it is good, and this tenant's."""
        rows = await self._database.read(_BY_ID, digest, tenant)
        return str(rows[0][0]) if rows else None

    def forget(self, digest: str, tenant: str) -> Future[list[Any]]:
        return self._database.write(_FORGET, digest, tenant)

    async def forget_customer(self, customer: str) -> int:
        """In bounded steps.  How many there were."""
        return await self._stepwise(_FORGET_CUSTOMER, customer)

    async def purge(self, steps: int) -> int:
        """Remove what has expired, in at most so many steps.  How many there were."""
        return await self._stepwise(_PURGE, "", steps)

    async def counts(self, tenant: str) -> list[tuple[str, int, int]]:
        """By the key that sealed them: how many there are, and how many of these have expired."""
        return [(str(key), int(all_), int(old)) for key, all_, old in await self._database.read(_COUNT, tenant)]

    async def _stepwise(self, statement: str, value: str, steps: int | None = None) -> int:
        removed = 0
        while steps is None or steps > 0:
            steps = None if steps is None else steps - 1
            gone = len(await self._database.write(statement, value))
            removed += gone
            if gone < STEP:
                break
        return removed
