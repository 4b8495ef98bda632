"""Purges among replicas: what one that was away missed, it does before it serves; what it could not tell, it tells."""

from __future__ import annotations

import asyncio

import pytest

from plugins.cache.tiers import Purge
from tests.plugins.cache.replicas import cache_of, keyring, read, replica, tier_of
from tests.plugins.cache.test_redis_tier import until


async def away(client) -> None:
    """Cut off by itself: it stops listening, as one whose connection broke."""
    client_purges = cache_of(client).purges
    client_purges._listening.cancel()
    await asyncio.wait([client_purges._listening])
    tier_of(client).reach.fail("the test cut it off")


async def test_a_replica_that_missed_a_purge_does_it_once_it_is_back(valkey, upstream) -> None:
    keys = keyring()
    async with replica(upstream, valkey.url, keyring=keys) as one, replica(upstream, valkey.url, keyring=keys) as other:
        await read(one)
        await read(other)
        await away(other)
        await cache_of(one).purge(Purge("path", "/v1/invoices/in_1"))
        await cache_of(one).purge(Purge("tag", "a"))
        assert len(cache_of(other).memory) == 1
        await cache_of(other).purges.listen()
        assert (len(cache_of(other).memory), cache_of(other).purges.counts["heard"]) == (0, 2)


async def test_what_could_not_be_told_is_told_once_redis_is_back(valkey, upstream) -> None:
    async with replica(upstream, valkey.url) as one, replica(upstream, valkey.url) as other:
        await read(one)
        await read(other)
        await away(one)
        await cache_of(one).purge(Purge("path", "/v1/invoices/in_1"))
        assert cache_of(one).purges.waiting == 1
        await cache_of(one).purges.listen()
        assert cache_of(one).purges.waiting == 0
        await until(lambda: not len(cache_of(other).memory))


async def test_where_purges_are_lost_all_of_the_memory_goes(valkey, upstream) -> None:
    async with replica(upstream, valkey.url) as one:
        await read(one)
        await away(one)
        valkey.run("FLUSHALL")
        await cache_of(one).purges.listen()
        assert (len(cache_of(one).memory), cache_of(one).purges.counts["missed"]) == (0, 1)


async def test_a_purge_that_cannot_be_read_is_one_of_everything(valkey, upstream) -> None:
    """Of a replica with another key: what it let go of is not known, that it did is."""
    async with (
        replica(upstream, valkey.url, keyring=keyring("k1")) as one,
        replica(upstream, valkey.url, keyring=keyring("k2")) as other,
    ):
        await read(other, path="/v1/invoices/in_2")
        await cache_of(one).purge(Purge("path", "/v1/invoices/in_1"))
        await until(lambda: not len(cache_of(other).memory))


@pytest.mark.parametrize("most", [3])
async def test_purges_that_wait_are_bounded_and_become_one_of_everything(monkeypatch, valkey, upstream, most) -> None:
    monkeypatch.setattr("plugins.cache.purges.WAITING", most)
    async with replica(upstream, valkey.url) as one:
        await away(one)
        for number in range(most + 1):
            await cache_of(one).purge(Purge("tag", str(number)))
        assert list(cache_of(one).purges._waiting) == [Purge("all")]
