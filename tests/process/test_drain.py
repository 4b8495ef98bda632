"""A gateway goes down without losing a request: SIGTERM, ``POST /drain``, ``payguard drain``."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.process.conftest import command, environment, pass_through, pressing, until

LONG = {"PAYGUARD_DRAIN_DELAY": "1h"}


@pytest.fixture
def policy(tmp_path, upstream) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(pass_through(upstream.url))
    return path


async def asks(client: httpx.AsyncClient, url: str) -> bool:
    return (await client.get(url)).is_success


async def payguard(*arguments: str, folder: Path) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *command(*arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(folder),
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("delay", ["0s", "500ms"])
async def test_sigterm_under_load_loses_no_request(start, policy, delay) -> None:
    gateway = await start(policy, settings={"PAYGUARD_DRAIN_DELAY": delay})
    async with pressing(gateway.url) as load:
        await load.answered("{}", 200)
        gateway.terminate()
        assert await gateway.ended() == 0
    assert load.lost == []


async def test_what_is_in_flight_at_sigterm_is_answered(start, policy, upstream, client) -> None:
    gate = asyncio.Event()
    upstream.will_answer(201, json={"paid": True}, after=gate)
    gateway = await start(policy)
    in_flight = asyncio.create_task(client.post(f"{gateway.url}/v1/payments", json={}))
    await upstream.asked()
    gateway.terminate()
    await gateway.event("stopping")
    gate.set()
    assert (await in_flight).status_code == 201
    assert await gateway.ended() == 0
    assert (await gateway.event("exchange"))["status"] == 201


async def test_what_outlasts_the_deadline_is_cut_off_and_said(start, policy, upstream, client) -> None:
    upstream.will_answer(after=asyncio.Event())
    gateway = await start(policy, settings={"PAYGUARD_DRAIN_DEADLINE": "50ms"})
    in_flight = asyncio.create_task(client.post(f"{gateway.url}/v1/payments", json={}))
    await upstream.asked()
    gateway.terminate()
    assert await gateway.ended() == 0
    assert (await gateway.event("requests were cut off at the drain deadline"))["requests"] == 1
    with pytest.raises(httpx.RemoteProtocolError):
        await in_flight


async def test_draining_turns_readiness_off_and_serves_on(start, policy, client) -> None:
    gateway = await start(policy, settings=LONG)
    await until(lambda: asks(client, f"{gateway.admin}/readyz"))
    answer = await client.post(f"{gateway.admin}/drain")
    assert answer.is_success
    assert answer.json()["remaining"] == pytest.approx(3600, abs=30)
    assert (await client.get(f"{gateway.admin}/readyz")).status_code == 503
    assert (await client.get(f"{gateway.admin}/livez")).status_code == 200
    served = await client.get(f"{gateway.url}/v1/payments/1")
    assert served.status_code == 200
    assert served.headers["connection"] == "close"


async def test_the_delay_counts_from_when_draining_began(start, policy, client) -> None:
    gateway = await start(policy, settings={"PAYGUARD_DRAIN_DELAY": "2s"})
    await client.post(f"{gateway.admin}/drain")
    began = time.monotonic()

    async def half_of_it_is_over() -> bool:
        return (await client.post(f"{gateway.admin}/drain")).json()["remaining"] <= 1

    await until(half_of_it_is_over)
    gateway.terminate()
    assert await gateway.ended() == 0
    said = await gateway.event("draining, then stopping")
    assert said["serving_on_for"] <= 1
    assert time.monotonic() - began >= 1


async def test_payguard_drain_drains_and_can_wait(start, policy, tmp_path, client) -> None:
    gateway = await start(policy, settings={"PAYGUARD_DRAIN_DELAY": "300ms"})
    code, out, _ = await payguard("drain", "--admin", gateway.admin, "--wait", folder=tmp_path)
    assert code == 0
    assert out.startswith("draining: ")
    answer = await client.post(f"{gateway.admin}/drain")
    assert answer.json()["remaining"] == 0


async def test_payguard_drain_says_that_nobody_is_there(tmp_path) -> None:
    code, out, err = await payguard("drain", "--admin", "http://127.0.0.1:9", folder=tmp_path)
    assert code == 1
    assert out == ""
    assert err.startswith("Error: no gateway can be asked at http://127.0.0.1:9: ")
    assert len(err.splitlines()) == 1


async def test_payguard_drain_says_that_it_asked_the_wrong_port(start, policy, tmp_path) -> None:
    gateway = await start(policy)
    code, _, err = await payguard("drain", "--admin", gateway.url, folder=tmp_path)
    assert code == 1
    assert len(err.splitlines()) == 1


async def test_a_second_signal_ends_it_at_once_with_1(start, policy, upstream, client) -> None:
    upstream.will_answer(after=asyncio.Event())
    gateway = await start(policy, settings=LONG)
    in_flight = asyncio.create_task(client.post(f"{gateway.url}/v1/payments", json={}))
    await upstream.asked()
    gateway.terminate()
    await gateway.event("draining, then stopping")
    gateway.process.send_signal(signal.SIGINT)
    assert await gateway.ended() == 1
    with pytest.raises(httpx.RemoteProtocolError):
        await in_flight


async def test_the_admin_port_answers_until_the_last_request_is_done(start, policy, upstream, client) -> None:
    gate = asyncio.Event()
    upstream.will_answer(after=gate)
    gateway = await start(policy)
    in_flight = asyncio.create_task(client.post(f"{gateway.url}/v1/payments", json={}))
    await upstream.asked()
    gateway.terminate()
    await gateway.event("stopping")
    assert (await client.get(f"{gateway.admin}/livez")).status_code == 200
    assert (await client.get(f"{gateway.admin}/readyz")).status_code == 503
    gate.set()
    await in_flight
    assert await gateway.ended() == 0
