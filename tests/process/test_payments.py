"""A gateway as a process of its own, and who asks it what became of a payment: its owner, and whoever is on call."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from gateway.testing import Backend
from tests.process.conftest import Gateway, Start, command, environment

POLICY = """\
version: 1
components:
  recovery: {{stuck_after: 1h}}
upstreams:
  backend: {{url: "{url}", timeouts: {{first_byte: 300ms, total: 2s}}}}
routes:
  - name: pay
    match: {{methods: [POST], path: /v1/payments}}
    upstream: backend
    payment: {{operation: payment.create, amount: /amount, currency: /currency, customer: /customer}}
    filters:
      - principal: {{header: x-user-id, from: any}}
      - idempotency
  - name: rest
    match: {{path: "/{{rest:path}}"}}
    upstream: backend
"""
ADA, BOB = {"x-user-id": "ada"}, {"x-user-id": "bob"}


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
async def gateway(start: Start, tmp_path: Path, upstream: Backend) -> Gateway:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(url=upstream.url))
    started: Gateway = await start(policy)
    return started


async def pay(client: httpx.AsyncClient, gateway: Gateway, key: str = "order-1") -> httpx.Response:
    body = {"amount": 1999, "currency": "eur", "customer": "cus_1"}
    return await client.post(f"{gateway.url}/v1/payments", json=body, headers={**ADA, "idempotency-key": key})


async def in_doubt(client: httpx.AsyncClient, gateway: Gateway, upstream: Backend) -> httpx.Response:
    """A payment that the upstream took and did not answer."""
    upstream.will_answer(201, after=asyncio.Event())
    answer = await pay(client, gateway)
    assert answer.status_code == 504
    return answer


async def run(gateway: Gateway, *arguments: str, stdin: int = asyncio.subprocess.DEVNULL) -> Done:
    env = environment(Path("/nowhere"), PAYGUARD_ADMIN_URL=gateway.admin)
    pipe = asyncio.subprocess.PIPE
    ran = await asyncio.create_subprocess_exec(*command(*arguments), stdin=stdin, stdout=pipe, stderr=pipe, env=env)
    out, err = await ran.communicate()
    assert ran.returncode is not None
    return Done(ran.returncode, out.decode(), err.decode())


async def test_its_owner_asks_on_the_data_port_and_nobody_else_learns_that_there_is_one(
    gateway: Gateway, client: httpx.AsyncClient, upstream: Backend
) -> None:
    paid = await pay(client, gateway)
    name = paid.headers["payguard-payment-id"]
    where = f"{gateway.url}/.payguard/payments/{name}"
    told = await client.get(where, headers=ADA)
    head = await client.head(where, headers=ADA)
    strangers = [
        await client.get(where, headers=BOB),
        await client.get(where),
        await client.get(where.replace(name, "abcdefghijklmnopqrstuvwxyz"), headers=ADA),
        await client.get(where.replace(name, "%2a"), headers=ADA),
    ]
    written = await client.delete(where, headers=ADA)
    elsewhere = await client.get(f"{gateway.url}/.payguard/other", headers=ADA)

    assert told.status_code == 200
    said = told.json()
    assert (said["id"], said["state"], said["operation"]) == (name, "succeeded", "payment.create")
    assert (said["amount"], said["currency"], said["reason"]) == (1999, "eur", None)
    assert told.headers["cache-control"] == "no-store"
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == told.headers["content-length"]
    problems = [{**each.json(), "request_id": ""} for each in strangers]
    assert all(each == problems[0] for each in problems)
    assert (problems[0]["status"], problems[0]["code"]) == (404, "payment_not_found")
    assert (written.status_code, written.headers["allow"]) == (405, "GET, HEAD")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "route_not_found")
    assert len(upstream.seen) == 1


async def test_who_asks_for_a_status_is_logged_and_counted_under_a_route_of_the_gateways_own(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    await client.get(f"{gateway.url}/.payguard/payments/abc", headers=ADA)
    line = await gateway.event("exchange")
    metrics = (await client.get(f"{gateway.admin}/metrics")).text

    assert (line["route"], line["status"], line["code"]) == ("payguard.status", 404, "payment_not_found")
    assert 'payguard_requests_total{method="GET",result="success",route="payguard.status",status="404"} 1.0' in metrics


async def test_on_call_finds_a_payment_in_doubt_reads_its_story_and_says_what_became_of_it(
    gateway: Gateway, client: httpx.AsyncClient, upstream: Backend
) -> None:
    refused = await in_doubt(client, gateway, upstream)
    name, request = refused.headers["payguard-payment-id"], refused.headers["x-request-id"]

    listed = await run(gateway, "payments", "list", "--state", "in_doubt")
    by_key = await run(
        gateway, "payments", "list", "--owner", "ada", "--key", "order-1", "--customer", "cus_1", "--json"
    )
    story = await run(gateway, "explain", "--request", request)
    waiting = await client.get(f"{gateway.url}/.payguard/payments/{name}", headers=ADA)
    reason = "pi_1 in the dashboard, paid by 4242 4242 4242 4242"
    resolved = await run(
        gateway, "payments", "resolve", name, "--state", "succeeded", "--reason", reason, "--by", "eve"
    )
    shown = await run(gateway, "payments", "show", request)
    settled = await client.get(f"{gateway.url}/.payguard/payments/{name}", headers=ADA)
    again = await pay(client, gateway)
    event = await gateway.event("payment_resolved")

    assert name in listed.out
    assert [each["id"] for each in json.loads(by_key.out)["items"]] == [name]
    assert re.search(r"1\. principal +passed", story.out)
    assert "it may have been executed" in story.out
    assert f"payguard payments resolve {name} --state succeeded|failed" in story.out
    assert (waiting.json()["state"], int(waiting.headers["retry-after"])) == ("in_doubt", 60)
    assert resolved == Done(0, f"{name}: succeeded, by human:eve via loopback\n", "")
    assert "by human:eve via loopback: pi_1 in the dashboard, paid by [card *4242]" in shown.out
    assert (settled.json()["state"], settled.json()["reason"]) == ("succeeded", None)
    assert "retry-after" not in settled.headers
    assert (again.status_code, again.json()["code"]) == (409, "answer_unavailable")
    assert (event["payment"], event["was"], event["state"]) == (name, "in_doubt", "succeeded")
    assert len(upstream.seen) == 1


async def test_a_key_that_a_human_freed_is_executed_afresh_in_the_same_record(
    gateway: Gateway, client: httpx.AsyncClient, upstream: Backend
) -> None:
    name = (await in_doubt(client, gateway, upstream)).headers["payguard-payment-id"]
    freeing = ("payments", "resolve", name, "--state", "released", "--reason", "not in the backend's books")
    refused = await run(gateway, *freeing)
    freed = await run(gateway, *freeing, "--never-executed")
    again = await pay(client, gateway)
    story = await run(gateway, "explain", "--request", name)

    assert (refused.code, freed.code) == (2, 0)
    assert (again.status_code, again.headers["payguard-payment-id"]) == (200, name)
    assert len(upstream.seen) == 2
    assert "the time before:" in story.out
    assert "claimed 2 times" in story.out


async def test_on_a_terminal_it_is_asked_before_it_is_recorded(
    gateway: Gateway, client: httpx.AsyncClient, upstream: Backend
) -> None:
    name = (await in_doubt(client, gateway, upstream)).headers["payguard-payment-id"]
    answers = []
    for typed in (b"n\n", b"y\n"):
        keyboard, terminal = pty.openpty()
        os.write(keyboard, typed)
        deciding = ("payments", "resolve", name, "--state", "failed", "--reason", "not in the backend's books")
        answers.append(await run(gateway, *deciding, stdin=terminal))
        os.close(keyboard)
        os.close(terminal)

    assert [answer.code for answer in answers] == [1, 0]
    assert f"{name}: payment.create, 1999 eur, in_doubt" in answers[0].err
    assert answers[1].out.startswith(f"{name}: failed, by human:")
