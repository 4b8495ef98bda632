"""An admin port without a process behind it, and clients that come from wherever a test says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from gateway.admin.access import Tokens
from gateway.admin.app import admin
from gateway.admin.state import AdminState, Keys
from gateway.audit.protocol import UNKEPT
from gateway.control.health import Health
from gateway.control.jobs import Jobs
from gateway.control.key_files import KeyFile, KeyFiles
from gateway.control.key_watch import KeyWatch, LocalKeys
from gateway.control.reencryption import Reencryption
from gateway.control.reloader import PolicyStatus
from gateway.crypto.key_uses import KeyUses
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.references import References
from gateway.crypto.salts import Salts
from gateway.database.protocol import Database
from gateway.ledger.bodies import STORED
from gateway.telemetry.masking import Masking
from gateway.telemetry.metrics import Metrics

HERE = "127.0.0.1"
ELSEWHERE = "203.0.113.9"
TOKENS = Tokens(read="read-read-read-read", operate="operate-operate-operate")


def state(**changes: Any) -> AdminState:
    given: dict[str, Any] = {
        "health": Health(),
        "jobs": Jobs(),
        "metrics": Metrics(),
        "policy": lambda: PolicyStatus("policy.yaml", "abc123", 1_700_000_000.0),
        "drain": lambda: 4.5,
        "components": list,
        "tokens": Tokens(),
        "ledger": lambda: None,
        "routes": list,
        "hashes": lambda purpose, value: (f"1:{purpose}:{value}",),
        "mask": Masking().text,
        "tell": lambda *_, **__: None,
        "audit": UNKEPT,
    }
    return AdminState(**given | changes)


def keys(database: Database, text: str, path: Path | None = None) -> Keys:
    """Those of a gateway on this database, from a file where there is one."""
    keyring, salts = LocalKeyring.parse(text), Salts.parse("00" * 16)
    uses = KeyUses(database, asyncio.ensure_future)
    references = References(database, STORED)
    watch = KeyWatch(database, keyring, salts, local=LocalKeys(keyring, uses), references=references)
    files = [] if path is None else [KeyFile("ENCRYPTION_KEY", path, LocalKeyring.parse)]
    walk = Reencryption(database, STORED, keyring, tenant=lambda: "shop")
    return Keys(watch, KeyFiles(files, watch, lambda _: None), walk)


def client(
    state: AdminState, peer: str = HERE, *, host: str = "localhost:9901", token: str | None = None
) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(admin(state), client=(peer, 50000), raise_app_exceptions=False)
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}", headers=headers)
