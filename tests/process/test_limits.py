"""Gateways as processes of their own that share a Redis: a limit holds for all of them together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from gateway.testing import Backend
from tests.process.conftest import Gateway, Start, until
from tests.servers import valkey_server

ADMITTED = 50
POLICY = """\
version: 1
upstreams:
  backend: {{url: "{url}"}}
routes:
  - name: all
    match: {{prefix: /}}
    upstream: backend
    filters:
      - rate_limit: {{limits: [{{per: "header:x-device", limit: {most}/day}}]}}
"""


@pytest.fixture
def policy(tmp_path: Path, upstream: Backend) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.format(url=upstream.url, most=ADMITTED))
    return path


@pytest.fixture
def redis(tmp_path: Path):
    (tmp_path / "redis").mkdir()
    with valkey_server(tmp_path / "redis") as server:
        yield server


def shared(redis, tmp_path: Path, name: str) -> Mapping[str, str]:
    return {"REDIS_URL": redis.url, "PAYGUARD_REDIS_TIMEOUT": "1s", "PAYGUARD_DATA_DIR": str(tmp_path / name)}


async def check(client: httpx.AsyncClient, gateway: Gateway) -> str:
    checks = (await client.get(f"{gateway.admin}/healthz")).json()["checks"]
    return str(next(each for each in checks if each["name"] == "store")["state"])


async def test_of_200_clients_of_two_gateways_a_limit_of_n_admits_exactly_n(
    start: Start, policy: Path, redis, tmp_path: Path
) -> None:
    gateways = [await start(policy, settings=shared(redis, tmp_path, name)) for name in ("a", "b")]
    asked = {"x-device": "a"}
    async with httpx.AsyncClient(trust_env=False, timeout=60, limits=httpx.Limits(max_connections=None)) as client:
        asking = (client.get(f"{gateways[number % 2].url}/", headers=asked) for number in range(200))
        answers = Counter(answer.status_code for answer in await asyncio.gather(*asking))
        other = await client.get(f"{gateways[0].url}/", headers={"x-device": "b"})

    assert answers == {200: ADMITTED, 429: 200 - ADMITTED}
    assert other.status_code == 200


BLOCKING = """\
version: 1
components:
  blocks: {{keep: database}}
upstreams:
  backend: {{url: "{url}"}}
routes:
  - name: all
    match: {{prefix: /}}
    upstream: backend
    filters:
      - rate_limit: {{limits: [{{per: ip, limit: 1/day}}], block: {{after: 1, within: 1m, for: 15m}}}}
"""


async def test_a_crash_frees_nobody_who_was_blocked(start: Start, tmp_path: Path, upstream: Backend) -> None:
    path = tmp_path / "blocking.yaml"
    path.write_text(BLOCKING.format(url=upstream.url))
    gateway = await start(path)
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        assert [(await client.get(f"{gateway.url}/")).status_code for _ in range(2)] == [200, 429]
        await until(lambda: _kept(client, gateway))
        gateway.process.kill()
        await gateway.ended()
        again = await start(path)
        answer = await client.get(f"{again.url}/")

    assert answer.json()["code"] == "blocked"


async def _kept(client: httpx.AsyncClient, gateway: Gateway) -> bool:
    """Whether the database has it: only that knows when it was made."""
    items = (await client.get(f"{gateway.admin}/api/v1/blocks")).json()["items"]
    return bool(items) and items[0]["created_at"] is not None


async def test_while_redis_is_away_it_serves_on_ready_and_degraded_and_is_well_again_by_itself(
    start: Start, policy: Path, redis, tmp_path: Path
) -> None:
    gateway = await start(policy, settings=shared(redis, tmp_path, "a"))
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        await until(lambda: _is(client, gateway, "ok"))
        redis.stop()
        statuses = [(await client.get(f"{gateway.url}/", headers={"x-device": "a"})).status_code for _ in range(5)]
        await until(lambda: _is(client, gateway, "failed"))
        ready = (await client.get(f"{gateway.admin}/readyz")).status_code
        status = (await client.get(f"{gateway.admin}/healthz")).json()["status"]
        metrics = (await client.get(f"{gateway.admin}/metrics")).text
        redis.start()
        await until(lambda: _is(client, gateway, "ok"))

    assert statuses == [200] * 5
    assert (ready, status) == (200, "degraded")
    assert "payguard_store_fallbacks_total 5.0" in metrics


async def _is(client: httpx.AsyncClient, gateway: Gateway, state: str) -> bool:
    return await check(client, gateway) == state
