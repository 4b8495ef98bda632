"""Gateways as processes of their own: what was declined is tried again, once, whatever becomes of a gateway."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.testing.running import serve
from tests.gateway.retrying import Shop, written
from tests.process.conftest import Gateway, Start, command, environment, until

SEALED = {"ENCRYPTION_KEY": "11" * 32}
COMPONENTS = """\
ledger: {claim: 500ms, grace: 200ms}
  recovery:
    every: 50ms
    timeout: 1s
    backoff: {first: 20ms, most: 20ms}
    resolvers:
      - status_url: {url: "URL/v1/payments?key={key}", status: /status, values: {open: failed}}
"""
"""The shop says ``open`` to whatever it is asked: of a payment, that it was not made."""


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    made = Shop()
    async with serve(made) as made.url:
        yield made


def policy(folder: Path, shop: Shop, options: str = "{after: [50ms, 50ms], jitter: 0}") -> Path:
    path = folder / "policy.yaml"
    text = written(shop.url, options, components=COMPONENTS.replace("URL", shop.url))
    path.write_text(text.replace("total: 5s", "total: 1s").replace("first_byte: 5s", "first_byte: 1s"))
    return path


async def pay(client: httpx.AsyncClient, gateway: Gateway, invoice: str = "inv_1") -> httpx.Response:
    body = {"amount": 1999, "currency": "eur", "method": f"pm_{invoice}", "off_session": True, "invoice": invoice}
    headers = {"x-user-id": "ada", "idempotency-key": f"key-{invoice}"}
    return await client.post(f"{gateway.url}/v1/renewals", json=body, headers=headers, timeout=30)


async def retries(client: httpx.AsyncClient, gateway: Gateway, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await client.get(f"{gateway.admin}/api/v1/payments/retries", params={"state": state})
    ).json()["items"]
    return found


async def said(folder: Path, gateway: Gateway, *arguments: str) -> Any:
    """What the command line tells of a running gateway."""
    asked = command("payments", *arguments, "--admin", gateway.admin, "--json")
    process = await asyncio.create_subprocess_exec(*asked, stdout=asyncio.subprocess.PIPE, env=environment(folder))
    told, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(told)


async def test_a_declined_renewal_is_paid_by_the_gateway_itself_and_people_can_see_how(
    start: Start, tmp_path: Path, shop: Shop, client: httpx.AsyncClient
) -> None:
    shop.declines(times=2)
    gateway = await start(policy(tmp_path, shop), settings=SEALED)
    declined = await pay(client, gateway)

    async def over() -> bool:
        return bool(await retries(client, gateway, "ended"))

    await until(over)
    [ended] = (await said(tmp_path, gateway, "retries", "list", "--state", "ended"))["items"]
    shown = await said(tmp_path, gateway, "show", ended["payment"])

    assert (declined.status_code, ended["payment"]) == (402, declined.headers["payguard-payment-id"])
    assert (ended["reason"], ended["attempts"], ended["declined"]) == ("succeeded", 2, 1)
    assert [each["state"] for each in shown["linked"]] == ["failed", "succeeded"]
    assert len(set(shop.keys)) == len(shop.seen) == 3

    async def counted() -> bool:
        lines = (await client.get(f"{gateway.admin}/metrics")).text.splitlines()
        return {
            'payguard_retries_total{result="attempted"} 2.0',
            'payguard_retries_total{result="succeeded"} 1.0',
            'payguard_retries_open{state="waiting"} 0.0',
            'payguard_events_total{event="retry_scheduled",severity="info"} 1.0',
        } <= set(lines)

    await until(counted)


async def test_a_gateway_that_is_killed_between_plan_and_attempt_leaves_it_to_the_next(
    start: Start, tmp_path: Path, shop: Shop, client: httpx.AsyncClient
) -> None:
    shop.declines()
    first = await start(policy(tmp_path, shop, "{after: [1s], jitter: 0}"), settings=SEALED)
    await pay(client, first)
    first.process.kill()
    await first.ended()
    second = await start(policy(tmp_path, shop, "{after: [1s], jitter: 0}"), settings=SEALED)

    async def over() -> bool:
        return bool(await retries(client, second, "ended"))

    await until(over)
    assert [each["reason"] for each in await retries(client, second, "ended")] == ["succeeded"]
    assert len(shop.seen) == 2


async def test_a_gateway_that_is_killed_with_an_attempt_open_is_followed_by_no_other_before_that_is_settled(
    start: Start, tmp_path: Path, shop: Shop, client: httpx.AsyncClient
) -> None:
    shop.declines()
    path = policy(tmp_path, shop)
    first = await start(path, settings=SEALED)
    await pay(client, first)
    await shop.asked()
    shop.will_answer(201, after=asyncio.Event())
    await shop.asked()
    first.process.kill()
    await first.ended()
    second = await start(path, settings=SEALED)

    async def over() -> bool:
        return bool(await retries(client, second, "ended"))

    await until(over)
    [ended] = await retries(client, second, "ended")
    shown = (await client.get(f"{second.admin}/api/v1/payments/{ended['payment']}")).json()
    assert (ended["reason"], ended["attempts"]) == ("declined", 1)
    assert [each["state"] for each in shown["linked"]] == ["failed"]
    assert len(shop.seen) == 2


async def test_two_gateways_on_one_database_make_each_attempt_once(
    start: Start, tmp_path: Path, shop: Shop, client: httpx.AsyncClient, postgres_url: str
) -> None:
    shop.declines(times=20)
    path, shared = policy(tmp_path, shop), SEALED | {"DATABASE_URL": postgres_url}
    one, two = await start(path, settings=shared), await start(path, settings=shared)
    await asyncio.gather(*(pay(client, (one, two)[n % 2], f"inv_{n}") for n in range(20)))

    async def over() -> bool:
        return len(await retries(client, one, "ended")) == 20

    await until(over)
    assert {each["reason"] for each in await retries(client, two, "ended")} == {"succeeded"}
    assert Counter(each.json()["invoice"] for each in shop.seen) == {f"inv_{n}": 2 for n in range(20)}
    assert len(set(shop.keys)) == 40
