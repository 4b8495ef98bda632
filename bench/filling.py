"""Ledgers of a given size: payments as months of service leave them, loaded quickly."""

from __future__ import annotations

import random
import secrets
import sqlite3
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg

from gateway.ids import payment_ids_until

DAYS = 90
"""Over which they are spread: as long as they are kept."""

CUSTOMERS = 200_000

OPEN = 5_000
"""One of so many waits for a human."""

COLUMNS = (
    *("id", "state", "epoch", "revision", "route", "operation", "upstream", "request_id", "trace_id", "policy"),
    *("owner", "claim", "fingerprint", "amount", "currency", "customer", "keep", "created_at", "sent_at"),
    *("lease_until", "settled_at", "gone_at", "asked", "delivery", "attempts", "status", "reason", "history", "trail"),
    "answer",
)

_TRAIL = (
    '{"filters":[{"name":"principal","mode":"enforce","decision":"passed","ms":0.02}],'
    '"attempts":[{"number":1,"after_ms":1.2,"ms":8.3,"delivery":"answered","status":200}]}'
)
_HISTORY = (
    '{"at":1790000000.25,"state":"sent","by":"gateway"}\n{"at":1790000000.5,"state":"succeeded","by":"gateway"}\n'
)
_BATCH = 20_000

SCATTERED = "payments_claim"
"""The index whose keys come in no order."""

IN_SERVICE = 70
"""Per cent of a page that is full on average where keys come in no order: ln 2, Yao 1978.  Full ones would be split by
each new key, five pages written where there is one to write."""


def payments(number: int) -> Iterator[tuple[Any, ...]]:
    """Rows of COLUMNS, the oldest first: nearly all succeeded, one in fifty failed."""
    now, keep, chosen = time.time(), DAYS * 86_400.0, random.Random(7)
    step, answer = keep / number, secrets.token_bytes(256)
    for count in range(number):
        at = now - keep + count * step
        state = "unresolved" if count % OPEN == 0 else "failed" if count % 50 == 0 else "succeeded"
        settled = None if state == "unresolved" else at
        yield (
            f"{payment_ids_until(at)}{_letters(count)}services",
            *(state, 1, 2, "create-payment", "payment.create", "backend"),
            *(f"servicesservicesservi{count:012x}", f"{chosen.getrandbits(128):032x}", "5ba1c0de" * 8, "merchant"),
            *(chosen.randbytes(32), f"salt:{chosen.getrandbits(256):064x}", 100 + count % 9000, "eur"),
            f"salt:{chosen.randrange(CUSTOMERS):064x}",
            *(keep, at, at, at + 15.0, settled, None if settled is None else settled + keep),
            *(0, "answered", 1, 200, "", _HISTORY, _TRAIL, answer),
        )


def _letters(count: int) -> str:
    return "".join(chr(97 + count // 26**power % 26) for power in range(8))


def fill_file(path: Path, number: int) -> None:
    """A SQLite file whose schema is there already.  What is loaded is not safe from a crash before it is done.

    Its indexes grow with it: made afterwards, the pages of that of claims would be full to the brim.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-524288"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    insert = f"INSERT INTO payments ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    rows = payments(number)
    while batch := list(islice(rows, _BATCH)):
        connection.execute("BEGIN")
        connection.executemany(insert, batch)
        connection.execute("COMMIT")
    connection.close()


async def fill_server(url: str, number: int) -> None:
    """A PostgreSQL database whose schema is there already."""
    connection = await asyncpg.connect(url, server_settings={"search_path": "payguard", "maintenance_work_mem": "1GB"})
    indexes = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'payments' AND indexname <> 'payments_pkey'"
    )
    for name, _ in indexes:
        await connection.execute(f"DROP INDEX {name}")
    rows = payments(number)
    while batch := list(islice(rows, _BATCH)):
        await connection.copy_records_to_table("payments", records=batch, columns=COLUMNS)
    for name, statement in indexes:
        loose = f" WITH (fillfactor = {IN_SERVICE}) WHERE"
        await connection.execute(statement.replace(" WHERE", loose) if name == SCATTERED else statement)
    await connection.execute("VACUUM (ANALYZE) payments")
    await connection.execute("CHECKPOINT")
    await connection.close()
