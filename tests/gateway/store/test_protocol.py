"""What every store must do, whatever keeps it: one suite, and each store joins it by a way to make one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from gateway.store.memory import MemoryStore
from gateway.store.protocol import Store


@dataclass(frozen=True)
class Made:
    """A store, and how time passes for it: a fake clock's hand is turned, a real store is waited for."""

    store: Store
    wait: Callable[[float], Awaitable[None]]


def in_memory() -> Made:
    now = 0.0

    async def wait(seconds: float) -> None:
        nonlocal now
        now += seconds

    return Made(MemoryStore(clock=lambda: now), wait)


@pytest.fixture(params=[in_memory])
def made(request) -> Made:
    return request.param()


@pytest.fixture
async def store(made):
    yield made.store
    await made.store.close()


@pytest.fixture
def wait(made):
    return made.wait


async def test_what_was_put_is_there_until_it_expires(store, wait) -> None:
    await store.put("a", b"1", ttl=2)
    assert await store.get("a") == b"1"
    await wait(2)
    assert await store.get("a") is None


async def test_nothing_is_there_before_it_was_put(store) -> None:
    assert await store.get("a") is None


async def test_put_replaces_the_value_and_its_time(store, wait) -> None:
    await store.put("a", b"1", ttl=1)
    await store.put("a", b"2", ttl=10)
    await wait(1)
    assert await store.get("a") == b"2"


async def test_add_puts_only_where_nothing_is(store, wait) -> None:
    assert await store.add("a", b"1", ttl=1)
    assert not await store.add("a", b"2", ttl=1)
    assert await store.get("a") == b"1"
    await wait(1)
    assert await store.add("a", b"3", ttl=1)


async def test_of_many_that_add_at_once_one_succeeds(store) -> None:
    added = await asyncio.gather(*(store.add("a", str(number).encode(), ttl=10) for number in range(100)))
    assert added.count(True) == 1
    assert await store.get("a") == str(added.index(True)).encode()


async def test_remove_says_whether_something_was_there(store, wait) -> None:
    await store.put("a", b"1", ttl=1)
    assert await store.remove("a")
    assert not await store.remove("a")
    assert await store.get("a") is None
    await store.put("a", b"1", ttl=1)
    await wait(1)
    assert not await store.remove("a")


async def test_a_counter_adds_up_and_its_time_counts_from_the_first(store, wait) -> None:
    assert await store.count("a", 1, ttl=2) == 1
    await wait(1)
    assert await store.count("a", 4, ttl=2) == 5
    await wait(1)
    assert await store.count("a", 1, ttl=2) == 1


async def test_a_counter_may_go_down(store) -> None:
    await store.count("a", 3, ttl=2)
    assert await store.count("a", -1, ttl=2) == 2


async def test_many_that_count_at_once_are_all_counted(store) -> None:
    counts = await asyncio.gather(*(store.count("a", 1, ttl=10) for _ in range(100)))
    assert sorted(counts) == list(range(1, 101))


async def test_keys_are_apart(store) -> None:
    await store.put("a", b"1", ttl=2)
    await store.put("b", b"2", ttl=2)
    await store.remove("a")
    assert await store.get("b") == b"2"


@pytest.mark.parametrize("value", [b"", b"\x00\xff", b"x" * 100_000])
async def test_any_bytes_come_back_as_they_were(store, value) -> None:
    await store.put("a", value, ttl=2)
    assert await store.get("a") == value
