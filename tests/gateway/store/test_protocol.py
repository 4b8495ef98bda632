"""What every store must do, whatever keeps it: one suite, and each store joins it by a way to make one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from gateway.control.scope import ShadowStore
from gateway.store.fallback import Fallback
from gateway.store.memory import MemoryStore
from gateway.store.protocol import Procedure, Store
from gateway.store.redis import RedisStore


@dataclass(frozen=True)
class Made:
    """A store, how time passes for it (a hand is turned, a real store is waited for), and a unit of it."""

    store: Store
    wait: Callable[[float], Awaitable[None]]
    unit: float = 1.0


def in_memory() -> Made:
    now = 0.0

    async def wait(seconds: float) -> None:
        nonlocal now
        now += seconds

    return Made(MemoryStore(clock=lambda: now), wait)


def in_redis(url: str) -> Made:
    async def wait(seconds: float) -> None:
        await asyncio.sleep(seconds + 0.02)  # it tells times in milliseconds, and looks at its clock now and then

    return Made(RedisStore(url, timeout=1.0), wait, unit=0.3)


MAKERS = {
    "memory": lambda _: in_memory(),
    "shadow": lambda _: Made(ShadowStore((made := in_memory()).store), made.wait),
    "redis": lambda request: in_redis(request.getfixturevalue("valkey").url),
    "fallback": lambda request: Made(
        Fallback((made := in_redis(request.getfixturevalue("valkey").url)).store, MemoryStore()), made.wait, made.unit
    ),
    "cluster": lambda request: in_redis(request.getfixturevalue("cluster").url.replace("redis:", "redis+cluster:")),
}


@pytest.fixture(params=MAKERS)
def made(request) -> Made:
    return MAKERS[request.param](request)


@pytest.fixture
async def store(made, request):
    opened = getattr(made.store, "_shared", made.store)
    await opened.open()
    yield made.store
    for key, _, _ in await made.store.scan(""):
        await made.store.remove(key)
    await opened.close()


@pytest.fixture
def wait(made):
    return made.wait


@pytest.fixture
def unit(made):
    return made.unit


async def test_what_was_put_is_there_until_it_expires(store, wait, unit) -> None:
    await store.put("a", b"1", ttl=2 * unit)
    assert await store.get("a") == b"1"
    await wait(2 * unit)
    assert await store.get("a") is None


async def test_nothing_is_there_before_it_was_put(store) -> None:
    assert await store.get("a") is None


async def test_put_replaces_the_value_and_its_time(store, wait, unit) -> None:
    await store.put("a", b"1", ttl=1 * unit)
    await store.put("a", b"2", ttl=10 * unit)
    await wait(1 * unit)
    assert await store.get("a") == b"2"


async def test_add_puts_only_where_nothing_is(store, wait, unit) -> None:
    assert await store.add("a", b"1", ttl=1 * unit)
    assert not await store.add("a", b"2", ttl=1 * unit)
    assert await store.get("a") == b"1"
    await wait(1 * unit)
    assert await store.add("a", b"3", ttl=1 * unit)


async def test_of_many_that_add_at_once_one_succeeds(store, unit) -> None:
    added = await asyncio.gather(*(store.add("a", str(number).encode(), ttl=10 * unit) for number in range(100)))
    assert added.count(True) == 1
    assert await store.get("a") == str(added.index(True)).encode()


async def test_remove_says_whether_something_was_there(store, wait, unit) -> None:
    await store.put("a", b"1", ttl=1 * unit)
    assert await store.remove("a")
    assert not await store.remove("a")
    assert await store.get("a") is None
    await store.put("a", b"1", ttl=1 * unit)
    await wait(1 * unit)
    assert not await store.remove("a")


async def test_a_counter_adds_up_and_its_time_counts_from_the_first(store, wait, unit) -> None:
    assert await store.count("a", 1, ttl=2 * unit) == 1
    await wait(1 * unit)
    assert await store.count("a", 4, ttl=2 * unit) == 5
    await wait(1 * unit)
    assert await store.count("a", 1, ttl=2 * unit) == 1


async def test_a_counter_may_go_down(store, unit) -> None:
    await store.count("a", 3, ttl=2 * unit)
    assert await store.count("a", -1, ttl=2 * unit) == 2


async def test_many_that_count_at_once_are_all_counted(store, unit) -> None:
    counts = await asyncio.gather(*(store.count("a", 1, ttl=10 * unit) for _ in range(100)))
    assert sorted(counts) == list(range(1, 101))


async def test_keys_are_apart(store, unit) -> None:
    await store.put("a", b"1", ttl=2 * unit)
    await store.put("b", b"2", ttl=2 * unit)
    await store.remove("a")
    assert await store.get("b") == b"2"


@pytest.mark.parametrize("value", [b"", b"\x00\xff", b"x" * 100_000])
async def test_any_bytes_come_back_as_they_were(store, value, unit) -> None:
    await store.put("a", value, ttl=2 * unit)
    assert await store.get("a") == value


async def test_a_scan_finds_what_was_put_under_a_prefix_and_for_how_long_it_stays(store, unit) -> None:
    for key in ("block:a", "block:b*", "other"):
        await store.put(key, key.encode(), ttl=9 * unit)
    found = await store.scan("block:")

    assert sorted((key, value) for key, value, _ in found) == [("block:a", b"block:a"), ("block:b*", b"block:b*")]
    assert all(0 < left <= 9 * unit + 0.001 for _, _, left in found)
    assert [key for key, _, _ in await store.scan("block:b*")] == ["block:b*"]
    assert len(await store.scan("block:", most=1)) == 1


def _raise(table, keys, arguments):
    count = (table.get(keys[0]) or 0) + arguments["by"]
    table.put(keys[0], count, arguments["ttl"])
    return [count, arguments["word"], table.get(keys[1])] if arguments["word"] else None


RAISE = Procedure(
    "raise",
    _raise,
    """
    local count = tonumber(redis.call('GET', keys[1]) or '0') + arguments.by
    redis.call('SET', keys[1], count, 'PX', math.ceil(arguments.ttl * 1000))
    if arguments.word == '' then return nil end
    return {count, arguments.word, redis.call('GET', keys[2]) or cjson.null}
    """,
)


async def test_a_procedure_reads_and_writes_its_keys_and_says_what_json_can_say(store, unit) -> None:
    keys = ["{a}1", "{a}2"]
    assert await store.run(RAISE, keys, {"by": 2, "ttl": 9 * unit, "word": "ä"}) == [2, "ä", None]
    assert await store.run(RAISE, keys, {"by": 3, "ttl": 9 * unit, "word": ""}) is None
    assert await store.run(RAISE, keys, {"by": 3, "ttl": 9 * unit, "word": "z"}) == [8, "z", None]
    await store.remove(keys[0])


async def test_of_many_procedures_at_once_none_comes_between_another(store, unit) -> None:
    asked = {"by": 1, "ttl": 9 * unit, "word": "x"}
    told = await asyncio.gather(*(store.run(RAISE, ["{a}1", "{a}2"], asked) for _ in range(100)))

    assert sorted(count for count, _, _ in told) == list(range(1, 101))
    await store.remove("{a}1")


async def test_what_a_procedure_wrote_expires(store, wait, unit) -> None:
    asked = {"by": 1, "ttl": unit, "word": "x"}
    await store.run(RAISE, ["{a}1", "{a}2"], asked)
    await wait(unit)
    assert await store.run(RAISE, ["{a}1", "{a}2"], asked) == [1, "x", None]


async def test_it_tells_that_it_is_well_and_counts_what_it_was_asked(store) -> None:
    await store.get("a")
    assert store.trouble is None
    assert store.stats()["calls_total"] >= 1
