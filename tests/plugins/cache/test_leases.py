"""Leases: of two replicas one asks the upstream; the other has its answer, or goes itself after a while."""

from __future__ import annotations

import asyncio

from tests.plugins.cache.replicas import cache_of, read, replica

SHARED = "{coalesce: 5s, timeout: 200ms}"


async def test_concurrent_misses_of_two_replicas_go_upstream_once(valkey, upstream) -> None:
    go_on = asyncio.Event()
    upstream.will_answer(json={"total": 1}, after=go_on)
    async with (
        replica(upstream, valkey.url, redis=SHARED) as one,
        replica(upstream, valkey.url, redis=SHARED) as other,
    ):
        reads = [asyncio.create_task(read(one))]
        await upstream.asked()
        reads += [asyncio.create_task(read(client)) for client in (one, other, other, other)]
        while len(cache_of(other).flights) == 0 or cache_of(other).counts["invoices"]["coalesced"] < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        go_on.set()
        assert {(await each).json()["total"] for each in reads} == {1}
        assert len(upstream.seen) == 1
        assert cache_of(other).counts["invoices"]["coalesced_elsewhere"] == 1


async def test_where_what_came_is_for_nobody_else_the_next_one_goes(valkey, upstream) -> None:
    go_on = asyncio.Event()
    upstream.will_answer(headers={"cache-control": "no-store"}, after=go_on)
    async with (
        replica(upstream, valkey.url, redis=SHARED) as one,
        replica(upstream, valkey.url, redis=SHARED) as other,
    ):
        first = asyncio.create_task(read(one))
        await upstream.asked()
        second = asyncio.create_task(read(other))
        while len(cache_of(other).flights) == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        go_on.set()
        await asyncio.gather(first, second)
        assert len(upstream.seen) == 2


async def test_nobody_waits_longer_than_that_for_one_that_was_lost(valkey, upstream) -> None:
    redis = "{coalesce: 100ms, timeout: 200ms}"
    async with replica(upstream, valkey.url, redis=redis) as one:
        await read(one, path="/v1/invoices/in_2")
        tier = cache_of(one).redis
        key = next(iter(cache_of(one).memory)).key.replace("in_2", "in_1")
        assert await tier.lease(key, 60.0)
        assert (await read(one)).status_code == 200
        assert len(upstream.seen) == 2


async def test_while_redis_is_away_everybody_goes(valkey, upstream) -> None:
    async with replica(upstream, valkey.url, redis=SHARED) as one:
        cache_of(one).redis.reach.fail("the test cut it off")
        assert (await read(one)).status_code == 200
