"""Replicas of a gateway that share one Redis by their caches, in front of one backend."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx

from gateway.crypto.keyring import LocalKeyring
from gateway.testing import Backend, Client, running_gateway
from plugins.cache.component import Cache
from tests.servers import Valkey

KEY = "env:REDIS_URL"

POLICY = """
version: 1
tenant: shop
components: {{cache: {{redis: {redis}}}}}
upstreams: {{backend: {{url: "{url}"}}}}
routes:
  - name: invoices
    match: {{methods: [GET], path: "/v1/invoices/{{id}}"}}
    upstream: backend
    filters:
      - principal: {{header: x-user-id, from: any}}
      - cache: {cache}
  - name: refunds
    match: {{methods: [POST], path: /v1/refunds}}
    upstream: backend
    filters:
      - principal: {{header: x-user-id, from: any}}
      - cache_clears: {{rules: {rules}}}
"""


def replica(
    backend: Backend,
    redis_url: str,
    *,
    redis: str = "{timeout: 1s}",
    cache: str = "{ttl: 60s}",
    rules: str = '[{path: "/v1/invoices/{request:/invoice}"}]',
    keyring: LocalKeyring | None = None,
    **how: Any,
) -> AbstractAsyncContextManager[Client]:
    policy = POLICY.format(url=backend.url, redis=redis, cache=cache, rules=rules)
    return running_gateway(policy=policy, environ={"REDIS_URL": redis_url}, keyring=keyring, **how)


def keyring(name: str = "k1", byte: int = 1) -> LocalKeyring:
    return LocalKeyring([(name, bytes([byte]) * 32)])


async def read(client: Client, who: str = "ada", path: str = "/v1/invoices/in_1", **headers: str) -> httpx.Response:
    return await client.get(path, headers={"x-user-id": who, "host": "shop.example", **headers})


async def refund(client: Client, who: str = "ada", invoice: str = "in_1") -> httpx.Response:
    return await client.post("/v1/refunds", json={"invoice": invoice}, headers={"x-user-id": who})


def cache_of(client: Client) -> Cache:
    return client.component(Cache)


def tier_of(client: Client) -> Any:
    return cache_of(client).redis


def entries(valkey: Valkey) -> list[bytes]:
    """The names under which Redis has answers."""
    with valkey.client() as client:
        return [key for key in client.scan_iter() if b":entry:" in key]


async def until(happens: Callable[[], object]) -> None:
    """Something that another task does soon; the test's own time limit ends it else."""
    while not happens():  # noqa: ASYNC110 - what it waits for has no event
        await asyncio.sleep(0.005)
