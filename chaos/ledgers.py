"""Ledgers as they are read at the end of a run: in the database itself, and through the admin API."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from chaos.judge import Recorded
from chaos.wire import ask
from tests.servers import Postgres

COLUMNS = "id, state, claim, amount, currency, reason, created_at, sent_at, settled_at"
OPEN = "('accepted', 'held', 'reserved', 'sent', 'pending', 'in_doubt')"
"""States in which somebody still has something to do."""

PAGE = 200


class Ledger(Protocol):
    async def rows(self, query: str) -> Sequence[Sequence[Any]]: ...


class SqliteLedger:
    """The file, read beside the gateway that has it open."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def rows(self, query: str) -> Sequence[Sequence[Any]]:
        connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=10.0)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


class PostgresLedger:
    """The server itself, not through a proxy."""

    def __init__(self, server: Postgres, name: str) -> None:
        self._server = server
        self._name = name

    async def rows(self, query: str) -> Sequence[Sequence[Any]]:
        return [tuple(row) for row in await self._server.run(query, database=self._name)]


async def recorded(ledger: Ledger) -> list[Recorded]:
    return [_recorded(row) for row in await ledger.rows(f"SELECT {COLUMNS} FROM payments")]


def _recorded(row: Sequence[Any]) -> Recorded:
    id, state, claim, *rest = row  # noqa: A001
    return Recorded(id, state, "" if claim is None else bytes(claim).hex(), *rest)


async def still_open(ledger: Ledger) -> int:
    [(count,)] = await ledger.rows(f"SELECT count(*) FROM payments WHERE state IN {OPEN}")
    return int(count)


async def listed(admin: int) -> dict[str, str]:
    """Every payment that the API lists, page by page: its state by its id."""
    found: dict[str, str] = {}
    cursor = ""
    while True:
        answer = (await ask("127.0.0.1", admin, "GET", f"/api/v1/payments?limit={PAGE}{cursor}", within=30)).json()
        found.update((each["id"], each["state"]) for each in answer["items"])
        if not (after := answer["next"]):
            return found
        cursor = f"&cursor={after}"


def differences(records: Iterable[Recorded], api: dict[str, str]) -> list[str]:
    """What the API says otherwise than the database."""
    states = {record.id: record.state for record in records}
    return [
        f"{id}: {states.get(id)} in the database, {api.get(id)} in the API"
        for id in sorted(states.keys() | api.keys())  # noqa: A001
        if states.get(id) != api.get(id)
    ]
