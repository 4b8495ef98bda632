"""Rate limits alone and over stores whose clock is in the test's hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway import Procedure, Store
from gateway.store.memory import MemoryStore
from gateway.store.redis import FRAME, PREFIX, RedisStore
from gateway.testing import scope
from plugins.rate_limit.blocks import Blocks, BlocksConfig
from plugins.rate_limit.decision import Punishment, Rule
from plugins.rate_limit.filter import RateLimit
from plugins.rate_limit.options import RateLimitConfig
from tests.servers import Valkey, valkey_server

CLOCK = "test-clock"


class HandRedis(RedisStore):
    """A Redis whose procedures are told the time by the test."""

    frame = FRAME.replace(
        "local now = tonumber(time[1]) + tonumber(time[2]) / 1000000",
        f"local now = tonumber(redis.call('GET', '{PREFIX}{CLOCK}'))",
    )

    async def set_clock(self, now: float) -> None:
        await self.put(CLOCK, f"{now:.17g}".encode(), ttl=3600)


class Hand:
    """A store, and the hand of its clock."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = 1_700_000_000.25

    async def turn(self, seconds: float) -> None:
        self.now += seconds
        if isinstance(self.store, HandRedis):
            await self.store.set_clock(self.now)

    async def run(self, procedure: Procedure, keys: list[str], arguments: Any) -> Any:
        return await self.store.run(procedure, keys, arguments)


@pytest.fixture(scope="package")
def valkey(tmp_path_factory) -> Iterator[Valkey]:
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
async def memory() -> Hand:
    now = [1_700_000_000.25]
    hand = Hand(MemoryStore(clock=lambda: now[0]))

    async def turn(seconds: float) -> None:
        now[0] += seconds
        hand.now = now[0]

    hand.turn = turn
    return hand


@pytest.fixture
async def redis(valkey):
    store = HandRedis(valkey.url, timeout=1.0)
    await store.open()
    for key, _, _ in await store.scan(""):
        await store.remove(key)
    hand = Hand(store)
    await hand.turn(0)
    yield hand
    await store.close()


@pytest.fixture(params=["memory", "redis"])
def hand(request) -> Hand:
    return request.getfixturevalue(request.param)


def rule(
    key: int = 0,
    *,
    limit: int = 3,
    seconds: float = 60.0,
    sliding: bool = False,
    burst: int | None = None,
    cost: int = 1,
    takes: bool = True,
    punishment: Punishment | bool = False,
) -> Rule:
    window = seconds if sliding else 0.0
    return Rule(key, window, limit / seconds, burst or limit, cost, takes, punishment)


def punished(keys: int, block: int = -1, **how: Any) -> Punishment:
    given = {"cooldown": 0.0, "after": 0, "within": 600.0, "lasts": 900.0, "growing": 1.0, "longest": 86400.0}
    return Punishment(keys, block, **{**given, **how}, note='{"by":"rate_limit","reason":"test"}')


def limiter(lent: Any = None, **options: Any) -> RateLimit:
    lent = lent or scope()
    lent.components = lent.components or [Blocks(BlocksConfig(), lent)]
    return RateLimit(RateLimitConfig.model_validate(options), lent)
