"""Gateways with ``fraud`` in front of a backend, on a real database, and their admin port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import orjson

from gateway import Database, Store
from gateway.crypto.keyring import LocalKeyring
from gateway.ledger.sql import SqlLedger
from gateway.testing import Backend, Client, backend, running_gateway
from plugins.fraud.desk import DecisionsDesk, Desk
from tests.gateway.admin.admins import client, state

KEYRING = LocalKeyring.parse("1:" + "11" * 32)
KEY = "a key that the backend has as well"
ENVIRON = {"RISK_KEY": KEY}

BLOCKS = {"rules": [{"code": "large", "when": {"amount": ">= 500"}, "then": "block"}]}
REVIEWS = {"rules": [{"code": "large", "when": {"amount": ">= 500"}, "then": "review"}]}


def policy(
    url: str,
    mode: str = "enforce",
    desk: dict[str, Any] | None = None,
    outcomes: Sequence[dict[str, Any]] = (),
    **options: Any,
) -> str:
    route = {
        "name": "pay",
        "match": {"path": "/v1/payments"},
        "upstream": "backend",
        "payment": {
            "operation": "payment.create",
            "amount": "/amount",
            "currency": "/currency",
            "customer": "/customer",
            "email": "/email",
            "card": "/card/number",
        },
        "outcomes": outcomes,
        "filters": [
            {"principal": {"header": "x-user-id", "from": "any"}},
            "idempotency",
            {"fraud": {"mode": mode, **options}},
        ],
    }
    document = {
        "version": 1,
        "components": {"fraud": desk or {}},
        "upstreams": {"backend": {"url": url}},
        "routes": [route],
    }
    return orjson.dumps(document).decode()


class Gate:
    """A gateway, the backend behind it, and what people may ask of its admin port."""

    def __init__(self, client: Client, behind: Backend, ledger: SqlLedger) -> None:
        self.client = client
        self.behind = behind
        self.ledger = ledger
        self.desk = client.component(Desk)
        self.decisions = client.component(DecisionsDesk)

    async def pay(self, key: str, amount: int = 1999, /, headers: dict[str, str] | None = None, **of: Any) -> Any:
        body = {"amount": amount, "currency": "eur", "customer": "cus_1", "email": "ada@example.com"} | of
        given = {"x-user-id": "ada", "idempotency-key": key} | (headers or {})
        return await self.client.post("/v1/payments", json=body, headers=given)

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[httpx.AsyncClient]:
        own = state(ledger=lambda: self.ledger, components=lambda: [self.desk, self.decisions])
        async with client(own) as local:
            yield local

    async def get(self, path: str, **parameters: Any) -> Any:
        async with self.admin() as local:
            return await local.get(f"/api/v1/{path}", params=parameters)

    async def post(self, path: str, **body: Any) -> Any:
        async with self.admin() as local:
            return await local.post(f"/api/v1/{path}", json=body)


Gates = Callable[..., Awaitable[Gate]]


@asynccontextmanager
async def gates(database: Database) -> AsyncIterator[Gates]:
    """Makes gateways on one database; ``behind`` is the backend of another, ``store`` what they share."""
    async with AsyncExitStack() as stack:

        async def make(
            mode: str = "enforce",
            *,
            behind: Backend | None = None,
            store: Store | None = None,
            keyring: LocalKeyring | None = KEYRING,
            **options: Any,
        ) -> Gate:
            if behind is None:
                behind = await stack.enter_async_context(backend())
            ledger = SqlLedger(database)
            made = running_gateway(
                policy=policy(behind.url, mode, **options),
                environ=ENVIRON,
                ledger=ledger,
                keyring=keyring,
                database=database,
                store=store,
            )
            return Gate(await stack.enter_async_context(made), behind, ledger)

        yield make
