"""Gateways as processes of their own: what a lost one had sent is settled by the next, on evidence."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.testing import Backend, Seen
from tests.gateway.accepting import ACCEPT, Door
from tests.gateway.accepting import POLICY as ACCEPTING
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


async def lost(client: httpx.AsyncClient, gateway: Gateway, upstream: Backend) -> Seen:
    """A payment that the upstream has and did not answer, when its gateway is killed."""
    upstream.will_answer(201, after=asyncio.Event())
    paying = asyncio.create_task(pay(client, gateway))
    sent = await upstream.asked()
    gateway.process.kill()
    await gateway.ended()
    with pytest.raises(httpx.TransportError):
        await paying
    return sent


async def ends(client: httpx.AsyncClient, gateway: Gateway, state: str) -> dict[str, Any]:
    """The one payment, once it is in ``state``."""

    async def there() -> bool:
        return [each["state"] for each in await payments(client, gateway)] == [state]

    await until(there)
    [listed] = await payments(client, gateway)
    found: dict[str, Any] = (await client.get(f"{gateway.admin}/api/v1/payments/{listed['id']}")).json()
    return found


async def test_a_payment_whose_gateway_was_killed_is_sent_again_under_its_key_by_the_next(
    start: Start, tmp_path: Path, upstream: Backend, client: httpx.AsyncClient
) -> None:
    path = policy(tmp_path, upstream.url, "replay", "idempotent: {window: 1h}")
    sent = await lost(client, await start(path), upstream)
    second = await start(path)
    again = await upstream.asked()
    await ends(client, second, "succeeded")

    assert (again.target, again.body) == (sent.target, sent.body)
    assert again.headers["idempotency-key"] == sent.headers["idempotency-key"]
    assert len(upstream.seen) == 2


def asking(url: str) -> str:
    where = f"{url}/v1/payments?key={{key}}"
    return f"""{{status_url: {{url: "{where}", status: /status, values: {{paid: succeeded}}, amount: /amount,
        currency: /currency}}}}"""


async def test_a_payment_whose_gateway_was_killed_is_asked_after_by_the_other_one(
    start: Start, tmp_path: Path, upstream: Backend, client: httpx.AsyncClient, postgres_url: str
) -> None:
    path, shared = policy(tmp_path, upstream.url, asking(upstream.url)), {"DATABASE_URL": postgres_url}
    first, second = await start(path, settings=shared), await start(path, settings=shared)
    sent = await lost(client, first, upstream)
    upstream.will_answer(200, json={"status": "paid", "amount": 1999, "currency": "eur"})
    found = await ends(client, second, "succeeded")
    again = await pay(client, second)

    assert [each.method for each in upstream.seen] == ["POST", "GET"]
    assert upstream.seen[1].target == f"/v1/payments?key={sent.headers['idempotency-key']}"
    assert [(each["state"], each["by"]) for each in found["history"]] == [
        ("sent", "gateway"),
        ("in_doubt", "recovery"),
        ("succeeded", "status_url"),
    ]
    assert (again.status_code, again.json()["code"], len(upstream.seen)) == (409, "answer_unavailable", 2)


async def test_a_payment_that_the_backend_never_had_has_failed_once_it_cannot_come_any_more(
    start: Start, tmp_path: Path, upstream: Backend, client: httpx.AsyncClient
) -> None:
    promise = "look_up: {linearizable: true, never_executes_after: 200ms}"
    path = policy(tmp_path, upstream.url, asking(upstream.url), promise)
    await lost(client, await start(path), upstream)
    for _ in range(10):
        upstream.will_answer(404)
    found = await ends(client, await start(path), "failed")

    assert (found["history"][-1]["by"], found["history"][-1]["reason"]) == ("status_url", "not_executed")


async def test_what_nobody_knows_is_shown_to_people(
    start: Start, tmp_path: Path, upstream: Backend, client: httpx.AsyncClient
) -> None:
    path = policy(tmp_path, upstream.url, "")
    await lost(client, await start(path), upstream)
    second = await start(path)
    await ends(client, second, "unresolved")
    event = await second.event("payment_unresolved")
    assert (event["level"], event["severity"], event["reason"]) == ("error", "critical", "nobody_to_ask")

    async def scraped() -> list[str]:
        return (await client.get(f"{second.admin}/metrics")).text.splitlines()

    async def counted() -> bool:
        return 'payguard_payments_open{state="unresolved"} 1.0' in await scraped()

    await until(counted)
    lines = await scraped()
    assert 'payguard_recovery_results_total{result="unresolved"} 1.0' in lines
    assert any(line.startswith('payguard_payments_oldest_seconds{state="unresolved"}') for line in lines)
    checks = (await client.get(f"{second.admin}/healthz")).json()["checks"]
    assert [each["state"] for each in checks if each["name"] == "recovery.runs"] == ["ok"]


async def test_what_was_accepted_is_sent_when_the_backend_is_back_by_whatever_gateway_is_there_then(
    start: Start, tmp_path: Path, client: httpx.AsyncClient
) -> None:
    door = Door()
    text = ACCEPTING.format(url=door.url, when_unreachable=ACCEPT)
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    first = await start(path)
    taken = await pay(client, first)
    assert taken.status_code == 202
    first.process.kill()
    await first.ended()
    second = await start(path)
    await door.open()

    async def told() -> bool:
        answer = await client.get(second.url + taken.headers["location"], headers=PAYING)
        return bool(answer.json()["state"] == "succeeded")

    await until(told)
    assert len(door.seen) == 1
    await door.close()
