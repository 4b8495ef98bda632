"""Gateways as processes of their own: what a lost one had sent is settled by the next, on evidence."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.testing import Backend
from tests.process.conftest import Gateway, Start, until

POLICY = """\
version: 1
components:
  ledger: {{claim: 500ms, grace: 200ms}}
  recovery: {{every: 50ms, timeout: 1s, stuck_after: 50ms, backoff: {{first: 50ms}}, resolvers: [{resolvers}]}}
upstreams:
  backend:
    url: "{url}"
    timeouts: {{first_byte: 1s, total: 1s}}
    {promises}
routes:
  - name: pay
    match: {{path: /v1/payments}}
    upstream: backend
    payment: {{operation: payment.create, amount: /amount, currency: /currency}}
    filters:
      - principal: {{header: x-user-id, from: any}}
      - idempotency
"""
PAYING = {"x-user-id": "ada", "idempotency-key": "order-4711"}


def policy(folder: Path, url: str, resolvers: str, promises: str = "") -> Path:
    path = folder / "policy.yaml"
    path.write_text(POLICY.format(url=url, resolvers=resolvers, promises=promises))
    return path


async def pay(client: httpx.AsyncClient, gateway: Gateway) -> httpx.Response:
    body = {"amount": 1999, "currency": "eur"}
    return await client.post(f"{gateway.url}/v1/payments", json=body, headers=PAYING, timeout=30)


async def payments(client: httpx.AsyncClient, gateway: Gateway) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"{gateway.admin}/api/v1/payments")).json()["items"]
    return found


async def test_a_payment_whose_gateway_was_killed_is_sent_again_under_its_key_by_the_next(
    start: Start, tmp_path: Path, upstream: Backend, client: httpx.AsyncClient
) -> None:
    path = policy(tmp_path, upstream.url, "replay", "idempotent: {window: 1h}")
    first = await start(path)
    upstream.will_answer(201, after=asyncio.Event())
    paying = asyncio.create_task(pay(client, first))
    sent = await upstream.asked()
    first.process.kill()
    await first.ended()
    with pytest.raises(httpx.TransportError):
        await paying
    second = await start(path)
    again = await upstream.asked()

    async def settled() -> bool:
        return [each["state"] for each in await payments(client, second)] == ["succeeded"]

    await until(settled)
    assert (again.target, again.body) == (sent.target, sent.body)
    assert again.headers["idempotency-key"] == sent.headers["idempotency-key"]
    assert len(upstream.seen) == 2
