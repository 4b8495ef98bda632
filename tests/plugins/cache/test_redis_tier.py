"""The second tier as replicas use it: a real Valkey, which is emptied, spoilt, frozen and stopped."""

from __future__ import annotations

import asyncio
import secrets
import socket

import pytest

from gateway.testing import scope
from plugins.cache.entry import Entry
from plugins.cache.options import RedisConfig
from plugins.cache.purges import Purges
from plugins.cache.redis_tier import RedisTier
from plugins.cache.tiers import Purge
from tests.plugins.cache.replicas import cache_of, entries, keyring, read, refund, replica, tier_of, until
from tests.servers import valkey_server


async def test_what_one_replica_was_answered_the_other_has_and_nobody_elses(valkey, upstream) -> None:
    upstream.will_answer(json={"total": 1999}, headers={"etag": '"a"'})
    async with replica(upstream, valkey.url) as one, replica(upstream, valkey.url) as other:
        await read(one)
        found = await read(other)
        assert (found.json(), found.headers["etag"]) == ({"total": 1999}, '"a"')
        assert found.headers["cache-status"].startswith("Payguard; hit")
        assert len(upstream.seen) == 1
        await read(other, "bob")
        assert len(upstream.seen) == 2
        assert cache_of(other).counts["invoices"]["hit_below"] == 1


async def test_it_survives_a_restart_of_the_gateways(valkey, upstream) -> None:
    async with replica(upstream, valkey.url) as one:
        await read(one)
    async with replica(upstream, valkey.url) as another:
        assert (await read(another)).headers["cache-status"].startswith("Payguard; hit")
    assert len(upstream.seen) == 1


async def test_redis_is_told_neither_whose_nor_what_it_is(valkey, upstream) -> None:
    upstream.will_answer(body=b"of ada lovelace " * 100)
    async with replica(upstream, valkey.url, keyring=keyring()) as one:
        await read(one, "ada-lovelace", "/v1/invoices/4242424242424242")
        await refund(one, "ada-lovelace", "4242424242424242")
    with valkey.client() as client:
        keys = list(client.scan_iter())
        held = b"".join([*keys, *(client.dump(key) for key in keys)])
    assert len(entries(valkey)) == 1
    for secret in (b"lovelace", b"4242424242", b"invoices"):
        assert secret not in held


@pytest.mark.parametrize("sealed", [True, False])
async def test_a_corrupt_entry_is_a_miss_which_is_counted_and_logged(valkey, upstream, sealed, capsys) -> None:
    keys = keyring() if sealed else None
    async with replica(upstream, valkey.url, keyring=keys) as one, replica(upstream, valkey.url, keyring=keys) as other:
        await read(one)
        [name] = entries(valkey)
        with valkey.client() as client:
            value = client.get(name)
            client.set(name, value[:-3] + b"xyz", px=60_000)
        assert (await read(other)).status_code == 200
        assert len(upstream.seen) == 2
        assert tier_of(other).counts["unusable"] > 0
        assert "cannot be used" in capsys.readouterr().out


async def test_an_entry_under_a_lost_key_is_a_miss_and_so_is_a_clear_one_where_there_is_a_key(valkey, upstream) -> None:
    for before, after in ((keyring("k1"), keyring("k2", 2)), (keyring("k1"), None), (None, keyring("k1"))):
        valkey.run("FLUSHALL")
        upstream.seen.clear()
        async with replica(upstream, valkey.url, keyring=before) as one:
            await read(one)
        async with replica(upstream, valkey.url, keyring=after) as other:
            await read(other)
            assert (len(upstream.seen), tier_of(other).counts["unusable"] > 0) == (2, True)


async def test_an_entry_moved_under_another_name_is_nobodys(valkey, upstream) -> None:
    async with replica(upstream, valkey.url) as one, replica(upstream, valkey.url) as other:
        await read(one, "ada")
        [of_ada] = entries(valkey)
        await read(one, "bob")
        [of_bob] = set(entries(valkey)) - {of_ada}
        with valkey.client() as client:
            client.copy(of_ada, of_bob, replace=True)
        await read(other, "bob")
        assert len(upstream.seen) == 3


async def test_a_frozen_redis_is_waited_for_once_and_then_skipped_until_it_is_back(valkey, upstream) -> None:
    async with replica(upstream, valkey.url, redis="{timeout: 20ms}") as one:
        await read(one)
        valkey.freeze()
        try:
            await read(one, path="/v1/invoices/in_2")
            assert tier_of(one).trouble is not None
            asked = dict(tier_of(one).reach.counts)
            for number in range(20):
                await read(one, path=f"/v1/invoices/in_{number}")
            assert tier_of(one).reach.counts["skipped"] >= asked.get("skipped", 0) + 18
            assert (await read(one)).headers["cache-status"].startswith("Payguard; hit")
            with pytest.raises(RuntimeError, match="no answer within 20 ms"):
                await cache_of(one).checks()[0].run()
        finally:
            valkey.thaw()
        await until(lambda: tier_of(one).trouble is None)
        await read(one, path="/v1/invoices/in_99")
        assert tier_of(one).counts["put"] == 2


async def test_a_redis_that_is_away_at_the_start_is_used_once_it_is_there(valkey, upstream) -> None:
    valkey.stop()
    async with replica(upstream, valkey.url) as one:
        assert (await read(one)).status_code == 200
        valkey.start()
        await until(lambda: tier_of(one).trouble is None)
        await read(one, path="/v1/invoices/in_2")
        assert len(entries(valkey)) == 1


async def test_what_one_replica_purges_the_others_do_not_serve(valkey, upstream) -> None:
    async with replica(upstream, valkey.url) as one, replica(upstream, valkey.url) as other:
        await read(one)
        await read(other)
        assert len(upstream.seen) == 1
        await cache_of(one).purge(Purge("path", "/v1/invoices/in_1"))
        await until(lambda: cache_of(other).purges.counts["heard"] == 1)
        await read(other)
        await read(one)
        assert len(upstream.seen) == 2


@pytest.mark.parametrize(
    "what",
    [
        Purge("all"),
        Purge("prefix", "/v1/inv"),
        Purge("tag", "customer-7"),
        Purge("uri", "http://shop.example/v1/invoices/in_1"),
    ],
)
async def test_a_replica_that_begins_later_does_not_serve_what_was_purged_before(valkey, upstream, what) -> None:
    cache = '{ttl: 60s, tags: {templates: ["customer-{/customer}"]}}'
    upstream.will_answer(json={"customer": 7})
    async with replica(upstream, valkey.url, cache=cache) as one:
        await read(one)
        await cache_of(one).purge(what)
    async with replica(upstream, valkey.url, cache=cache) as other:
        await read(other)
        assert (len(upstream.seen), tier_of(other).counts["purged"] > 0) == (2, True)


async def test_purges_of_others_leave_an_entry_alone(valkey, upstream) -> None:
    cache = '{ttl: 60s, tags: {templates: ["customer-{/customer}"]}}'
    upstream.will_answer(json={"customer": 7})
    async with replica(upstream, valkey.url, cache=cache) as one:
        await read(one)
        for what in (Purge("prefix", "/v2"), Purge("tag", "customer-8"), Purge("path", "/v1/invoices/in_10")):
            await cache_of(one).purge(what)
    async with replica(upstream, valkey.url, cache=cache) as other:
        assert (await read(other)).headers["cache-status"].startswith("Payguard; hit")


async def test_an_answer_asked_for_before_a_purge_is_not_kept_after_it(valkey, upstream) -> None:
    """By another replica, whose purge this one has not heard of: the marks tell, and no clock."""
    lent = scope(secrets={"env:REDIS_URL": valkey.url})
    tier = RedisTier(RedisConfig(), lent, Purges(lambda _: None))
    elsewhere = RedisTier(RedisConfig(), lent, Purges(lambda _: None))
    await tier.open()
    await elsewhere.open()
    try:
        assert await tier.get(KEY) is None
        asked_at = lent.clock.now()
        lent.clock.advance(1)
        await elsewhere.purge(Purge("path", "/v1/a"))
        await tier.put(entry(asked_at), 60.0)
        assert await tier.get(KEY) is None
        await tier.put(entry(lent.clock.now()), 60.0)
        assert await tier.get(KEY) is not None
        await tier.put(entry(asked_at), 60.0)
        assert await tier.get(KEY) is None, "the marks of then, not those of now"
    finally:
        await tier.close()
        await elsewhere.close()


KEY = "invoices test:ab http://shop.example/v1/a"


def entry(requested: float, body: bytes = b"{}") -> Entry:
    uri = KEY.split(" ")[2]
    return Entry(KEY, uri, "test:ab", 200, [], body, requested, requested, 60.0, requested + 60)


async def test_large_values_are_compressed_and_larger_ones_left_out(valkey) -> None:
    lent = scope(secrets={"env:REDIS_URL": valkey.url})
    tier = RedisTier(RedisConfig(largest=4096), lent, Purges(lambda _: None))
    await tier.open()
    try:
        await tier.get(KEY)
        await tier.put(entry(lent.clock.now(), b"a" * 100_000), 60.0)
        assert tier.bytes_written < 4096
        await tier.put(entry(lent.clock.now(), bytes(range(256)) * 2), 60.0)
        await tier.put(entry(lent.clock.now(), secrets.token_bytes(5000)), 60.0)
        assert (tier.counts["put"], tier.counts["too_large"]) == (2, 1)
    finally:
        await tier.close()


def test_a_cluster_is_refused_when_the_policy_is_read() -> None:
    lent = scope(secrets={"env:REDIS_URL": "redis+cluster://127.0.0.1:7000"})
    with pytest.raises(ValueError, match="a Redis Cluster is not for this"):
        RedisTier(RedisConfig(), lent, Purges(lambda _: None))


async def test_values_are_sealed_always_only_where_there_is_a_key() -> None:
    lent = scope(secrets={"env:REDIS_URL": "redis://127.0.0.1:1"}, keyring=None)
    with pytest.raises(ValueError, match="no key"):
        RedisTier(RedisConfig(encrypt="always"), lent, Purges(lambda _: None))


async def test_what_is_asked_for_often_is_asked_after_before_it_is_stale(upstream, valkey) -> None:
    cache = "{ttl: 2s, refresh_ahead: {after: 2, from: 0.01}}"
    async with replica(upstream, valkey.url, cache=cache) as one:
        upstream.will_answer(json={"total": 1})
        upstream.will_answer(json={"total": 2})
        assert (await read(one)).json() == {"total": 1}
        await asyncio.sleep(0.03)  # past the part of its freshness that `from` says
        for _ in range(2):
            assert (await read(one)).json() == {"total": 1}
        assert len(upstream.seen) == 1, "it is not hot yet"
        assert (await read(one)).json() == {"total": 1}, "nobody waits for it"
        await until(lambda: cache_of(one).counts["invoices"]["refresh"] and not cache_of(one).refreshing)
        assert (await read(one)).json() == {"total": 2}
        assert len(upstream.seen) == 2


async def test_it_is_found_by_sentinels(valkey, upstream, tmp_path) -> None:
    port = free_port()
    rules = tmp_path / "sentinel.conf"
    rules.write_text(f"port {port}\nsentinel monitor main 127.0.0.1 {valkey.port} 1\n")
    url = f"redis+sentinel://127.0.0.1:{port}/main"
    with valkey_server(tmp_path, sentinel=rules, port=port):
        async with replica(upstream, url) as one, replica(upstream, url) as other:
            await read(one)
            assert (await read(other)).headers["cache-status"].startswith("Payguard; hit")
            await cache_of(one).purge(Purge("all"))
            await until(lambda: not len(cache_of(other).memory))
    assert len(upstream.seen) == 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])
