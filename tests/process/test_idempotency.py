"""Gateways as processes of their own: one payment for one key, whichever of them takes it, and whatever ends them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from gateway.testing import Backend
from tests.process.conftest import Gateway, Start, command, environment

POLICY = """\
version: 1
upstreams:
  backend: {{url: "{url}"}}
routes:
  - name: pay
    match: {{path: /v1/payments}}
    upstream: backend
    payment: {{operation: payment.create, amount: /amount, currency: /currency}}
    filters:
      - principal: {{header: x-user-id, from: any}}
      - idempotency: {{wait: 10s, waiting: 50}}
"""
KEY, OTHER = "ab" * 32, "cd" * 32
PAYING = {"x-user-id": "ada", "idempotency-key": "order-4711"}
ANSWER = b'{ "id": "pi_1", "amount": 1999.00 }\n'


@pytest.fixture
def policy(tmp_path: Path, upstream: Backend) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.format(url=upstream.url))
    return path


@pytest.fixture
def shared(postgres_url: str) -> Mapping[str, str]:
    return {"DATABASE_URL": postgres_url, "ENCRYPTION_KEY": KEY}


async def pay(client: httpx.AsyncClient, gateway: Gateway) -> httpx.Response:
    body = {"amount": 1999, "currency": "eur"}
    return await client.post(f"{gateway.url}/v1/payments", json=body, headers=PAYING, timeout=30)


async def test_of_200_at_once_with_one_key_through_two_gateways_one_is_executed(
    start: Start, policy: Path, upstream: Backend, shared: Mapping[str, str]
) -> None:
    gateways = [await start(policy, settings=shared), await start(policy, settings=shared)]
    held = asyncio.Event()
    upstream.will_answer(201, body=ANSWER, headers={"content-type": "application/json"}, after=held)
    async with httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=None)) as client:
        paying = [asyncio.create_task(pay(client, gateways[number % 2])) for number in range(200)]
        await upstream.asked()
        await asyncio.wait(paying, return_when=asyncio.FIRST_COMPLETED)  # one of those for whom no place is left
        held.set()
        answers = await asyncio.gather(*paying)
        later = [await pay(client, gateway) for gateway in gateways]

    assert len(upstream.seen) == 1
    assert Counter(answer.status_code for answer in answers).keys() == {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"in_progress"}
    assert {answer.content for answer in [*answers, *later] if answer.status_code == 201} == {ANSWER}
    assert [answer.headers.get("idempotent-replayed") for answer in later] == ["true", "true"]


async def test_what_a_gateway_answered_before_it_was_killed_is_answered_by_the_next(
    start: Start, policy: Path, upstream: Backend, client: httpx.AsyncClient
) -> None:
    first = await start(policy, settings={"ENCRYPTION_KEY": KEY})
    upstream.will_answer(201, body=ANSWER)
    answer = await pay(client, first)
    first.process.kill()
    await first.ended()
    again = await pay(client, await start(policy, settings={"ENCRYPTION_KEY": f"new:{OTHER},1:{KEY}"}))

    assert (again.status_code, again.content) == (answer.status_code, answer.content) == (201, ANSWER)
    assert len(upstream.seen) == 1


@pytest.mark.parametrize(("setting", "wrong"), [("ENCRYPTION_KEY", OTHER), ("HASH_SALT", OTHER)], ids=["key", "salt"])
async def test_another_key_or_salt_under_a_known_id_is_a_bad_start_of_one_line_without_it(
    start: Start, policy: Path, tmp_path: Path, setting: str, wrong: str
) -> None:
    first = await start(policy, settings={"ENCRYPTION_KEY": KEY})
    first.terminate()
    await first.ended()
    second = await asyncio.create_subprocess_exec(
        *command("serve", "--policy", str(policy), "--port", "0", "--admin-port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(tmp_path, **{"ENCRYPTION_KEY": KEY, setting: wrong}),
    )
    said, why = await second.communicate()

    assert second.returncode == 2
    [line] = why.decode().splitlines()
    assert line.startswith(f"{setting}: the one with the id 1 is not the one that this database knows")
    assert wrong not in said.decode() + line
