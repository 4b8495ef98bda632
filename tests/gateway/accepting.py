"""A route that accepts payments, in front of a backend whose door is closed until somebody opens it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from gateway.control.servers import Listener, data_listener
from gateway.crypto.keyring import LocalKeyring
from gateway.dataplane.clients import ClientLimits, Clients
from gateway.ledger.protocol import Ledger
from gateway.testing import Backend, Client, running_gateway

KEYRING = LocalKeyring.parse("1:" + "11" * 32)

POLICY = """\
version: 1
upstreams:
  backend: {{url: "{url}"}}
routes:
  - name: pay
    match: {{path: /v1/payments}}
    upstream: backend
    payment: {{operation: payment.create, amount: /amount, currency: /currency, customer: /customer}}
    when_unreachable: {when_unreachable}
    filters:
      - principal: {{header: x-user-id, from: any}}
      - idempotency
"""
ACCEPT = "{accept: {most: 100, for: 10m, ceiling: {eur: 1000000}, rate: 1000}}"


class Door(Backend):
    """A backend that cannot be reached before ``open``."""

    def __init__(self) -> None:
        super().__init__()
        self._bound = socket.socket()
        self._bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._bound.bind(("127.0.0.1", 0))
        self._bound.setblocking(False)
        self._listener: Listener | None = None
        self.url = f"http://127.0.0.1:{self._bound.getsockname()[1]}"

    async def open(self) -> None:
        self._listener = data_listener(self, self._bound, Clients(ClientLimits()), None)
        await self._listener.start()

    async def close(self) -> None:
        if self._listener is None:
            self._bound.close()
        else:
            await self._listener.stop(within=1.0)

    def bodies(self) -> list[Any]:
        return [each.json() for each in self.seen]


@asynccontextmanager
async def accepting(
    ledger: Ledger, when_unreachable: str = ACCEPT, door: Door | None = None, keyring: LocalKeyring = KEYRING
) -> AsyncIterator[tuple[Client, Door]]:
    """A gateway that accepts, and the backend behind it, or behind it as well."""
    async with AsyncExitStack() as stack:
        if door is None:
            door = Door()
            stack.push_async_callback(door.close)
        policy = POLICY.format(url=door.url, when_unreachable=when_unreachable)
        client = await stack.enter_async_context(running_gateway(policy=policy, ledger=ledger, keyring=keyring))
        yield client, door


async def pay(client: Client, key: str, customer: str = "cus_1", user: str = "ada") -> Any:
    body = {"amount": 1999, "currency": "eur", "customer": customer, "order": key}
    return await client.post("/v1/payments", json=body, headers={"x-user-id": user, "idempotency-key": key})
