"""Replicas of a gateway that share one Redis by their caches, in front of one backend."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx

from gateway.crypto.keyring import LocalKeyring
from gateway.testing import Backend, Client, running_gateway
from plugins.cache.component import Cache

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
    redis: str = "{}",
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
