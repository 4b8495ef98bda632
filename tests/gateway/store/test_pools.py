from __future__ import annotations

import pytest
import redis.asyncio

from gateway.store.pools import close_pool, redis_pool


async def test_connections_are_made_as_the_store_makes_its_own_and_are_kept(valkey) -> None:
    pool = redis_pool(f"{valkey.url}/1")
    async with redis.asyncio.Redis(connection_pool=pool) as client:
        await client.set("in", b"\xff", px=60_000)
        assert await client.get("in") == b"\xff"
    await close_pool(pool)
    assert valkey.run("GET", "in") is None, "it was told another database"


def test_a_cluster_is_refused_and_no_password_is_repeated() -> None:
    with pytest.raises(ValueError, match="a Redis Cluster is not for this") as refused:
        redis_pool("redis+cluster://:geheim@127.0.0.1:7000")
    assert "geheim" not in str(refused.value)
