"""What a Redis is asked for a store's operations: one command each, scripts by their hash, and its own clock."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store.protocol import Procedure, StoreDown
from gateway.store.redis import RedisStore
from tests.servers import valkey_server

SAYS = Procedure("says", lambda _table, keys, _arguments: keys[0], "return arguments[1]")
NOW = Procedure("now", lambda table, _keys, _arguments: table.now, "return now")
BROKEN = Procedure("broken", lambda *_: None, "return redis.call('NONSENSE')")


@pytest.fixture
async def store(valkey):
    made = RedisStore(valkey.url, timeout=1.0)
    await made.open()
    yield made
    await made.close()


async def test_a_procedure_is_one_command_and_by_its_hash_from_the_second_time_on(store, valkey) -> None:
    await store.run(SAYS, ["a"], [1])
    before = valkey.commands()
    await asyncio.gather(*(store.run(SAYS, ["a"], [1]) for _ in range(20)))
    after = valkey.commands()

    assert after["evalsha"] - before.get("evalsha", 0) == 20
    assert after["eval"] == before["eval"]


async def test_one_that_forgot_its_scripts_is_sent_them_again(store, valkey) -> None:
    assert await store.run(SAYS, ["a"], [1]) == 1
    valkey.run("SCRIPT", "FLUSH")

    assert await asyncio.gather(*(store.run(SAYS, ["a"], [number]) for number in range(10))) == list(range(10))


async def test_the_clock_is_the_servers(store, valkey) -> None:
    seconds, microseconds = valkey.run("TIME")
    assert await store.run(NOW, ["a"], []) == pytest.approx(seconds + microseconds / 1e6, abs=5)


async def test_a_script_that_is_wrong_is_a_bug_and_no_outage(store) -> None:
    with pytest.raises(RuntimeError, match="Redis refuses"):
        await store.run(BROKEN, ["a"], [])
    assert store.trouble is None


async def test_keys_have_a_prefix_so_that_others_may_use_the_same_redis(store, valkey) -> None:
    await store.put("mine", b"1", ttl=5)
    assert valkey.run("GET", "payguard:mine") == b"1"


async def test_on_a_cluster_keys_of_two_places_are_a_bug_of_who_asks(cluster) -> None:
    store = RedisStore(cluster.url.replace("redis:", "redis+cluster:"), timeout=1.0)
    with pytest.raises(ValueError, match="must have the same"):
        await store.run(SAYS, ["{a}1", "{b}1"], [1])


async def test_one_that_is_full_is_down(tmp_path) -> None:
    with valkey_server(tmp_path, "--maxmemory", "1mb", "--maxmemory-policy", "noeviction") as server:
        store = RedisStore(server.url, timeout=1.0)
        await store.open()
        puts = (store.put(f"large{number}", b"x" * 100_000, ttl=60) for number in range(100))
        told = await asyncio.gather(*puts, return_exceptions=True)
        await store.close()

    assert isinstance(told[-1], StoreDown)


async def test_a_replica_is_not_written_to_but_left(tmp_path) -> None:
    with valkey_server(tmp_path) as server:
        store = RedisStore(server.url, timeout=1.0)
        await store.open()
        server.run("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(StoreDown):
            await store.put("a", b"1", ttl=5)
        server.run("REPLICAOF", "NO", "ONE")
        async with asyncio.timeout(20):
            while store.trouble is not None:  # noqa: ASYNC110 - nobody tells of it: that it tries by itself is tested
                await asyncio.sleep(0.02)
        await store.put("a", b"1", ttl=5)
        connects = store.stats()["connects_total"]
        await store.close()

    assert connects >= 2
