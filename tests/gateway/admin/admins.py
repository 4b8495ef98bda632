"""An admin port without a process behind it, and clients that come from wherever a test says."""

from __future__ import annotations

from typing import Any

import httpx

from gateway.admin.access import Tokens
from gateway.admin.app import admin
from gateway.admin.state import AdminState
from gateway.audit.protocol import UNKEPT
from gateway.control.health import Health
from gateway.control.jobs import Jobs
from gateway.control.reloader import PolicyStatus
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


def client(
    state: AdminState, peer: str = HERE, *, host: str = "localhost:9901", token: str | None = None
) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(admin(state), client=(peer, 50000), raise_app_exceptions=False)
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}", headers=headers)
