"""The book: every payment that was begun, and what became of it."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
    key TEXT PRIMARY KEY,
    id TEXT UNIQUE,
    status TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    customer TEXT,
    card TEXT,
    description TEXT,
    begun INTEGER NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Payment:
    """``key`` is the caller's idempotency key; ``id`` is Stripe's, None until Stripe has answered.

    ``card`` is the number as the caller gave it.  No backend should keep that, and many do.
    """

    key: str
    id: str | None
    status: str
    amount: int
    currency: str
    customer: str | None
    card: str | None
    description: str | None
    begun: int


class Book:
    """Payments in SQLite, by key and by id."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute(SCHEMA)

    def begin(
        self, key: str, amount: int, currency: str, *, customer: str | None, card: str, description: str | None
    ) -> None:
        """Before Stripe is asked; a key that was begun before stays as it is."""
        self._database.execute(
            "INSERT OR IGNORE INTO payments VALUES (?, NULL, 'processing', ?, ?, ?, ?, ?, ?)",
            (key, amount, currency, customer, card, description, int(time.time())),
        )

    def settle(self, key: str, id: str | None, status: str) -> None:  # noqa: A002 -- the column's name
        self._database.execute("UPDATE payments SET id = ?, status = ? WHERE key = ?", (id, status, key))

    def by_key(self, key: str) -> Payment | None:
        return self._one("SELECT * FROM payments WHERE key = ?", key)

    def by_id(self, id: str) -> Payment | None:  # noqa: A002
        return self._one("SELECT * FROM payments WHERE id = ?", id)

    def _one(self, query: str, value: str) -> Payment | None:
        row = self._database.execute(query, (value,)).fetchone()
        return Payment(*row) if row else None

    def close(self) -> None:
        self._database.close()
