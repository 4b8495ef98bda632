"""What the store in memory does beyond the contract: it stays small, and forgets the right things first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.memory import MemoryStore


class Hand:
    """The hand of a clock that a test turns."""

    now = 1000.5

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def store(hand) -> MemoryStore:
    return MemoryStore(entries=3, clock=hand)


async def held(store: MemoryStore, *keys: str) -> set[str]:
    return {key for key in keys if await store.get(key) is not None}


async def test_where_it_is_full_what_was_not_used_for_longest_goes(store) -> None:
    for key in "abc":
        await store.put(key, b"x", ttl=60)
    await store.get("a")
    await store.put("d", b"x", ttl=60)

    assert await held(store, "a", "b", "c", "d") == {"a", "c", "d"}


async def test_what_has_expired_goes_before_what_is_in_use(store, hand) -> None:
    await store.put("a", b"x", ttl=60)
    await store.put("brief", b"x", ttl=1)
    await store.put("c", b"x", ttl=60)
    hand.now += 2
    await store.put("d", b"x", ttl=60)

    assert await held(store, "a", "c", "d") == {"a", "c", "d"}


async def test_a_counter_that_is_counted_is_in_use(store) -> None:
    for key in "abc":
        await store.count(key, 1, ttl=60)
    await store.count("a", 1, ttl=60)
    await store.put("d", b"x", ttl=60)

    assert await store.count("a", 1, ttl=60) == 3
    assert await store.count("b", 1, ttl=60) == 1


async def test_a_key_that_is_put_again_takes_no_second_place(store) -> None:
    await store.put("a", b"x", ttl=60)
    for _ in range(10):
        await store.put("b", b"x", ttl=60)

    assert len(store) == 2
    assert await held(store, "a", "b") == {"a", "b"}


async def test_a_key_that_is_put_again_for_longer_is_kept_for_longer(store, hand) -> None:
    await store.put("a", b"1", ttl=1)
    await store.put("a", b"2", ttl=60)
    hand.now += 5
    await store.put("b", b"x", ttl=60)
    await store.put("c", b"x", ttl=60)

    assert await store.get("a") == b"2"


async def test_what_expired_together_is_forgotten_one_by_one_as_others_come(hand) -> None:
    store = MemoryStore(entries=100, clock=hand)
    for number in range(50):
        await store.put(f"old{number}", b"x", ttl=1)
    hand.now += 5
    for number in range(50):
        await store.put(f"new{number}", b"x", ttl=60)

    assert len(store) == 50


async def test_a_counter_is_no_bytes_and_bytes_are_no_counter(store) -> None:
    await store.count("a", 5, ttl=60)
    assert await store.get("a") is None
    await store.put("a", b"x", ttl=60)
    assert await store.count("a", 1, ttl=60) == 1


async def test_a_time_to_live_of_nothing_keeps_nothing(store) -> None:
    await store.put("a", b"x", ttl=-1)
    assert await store.get("a") is None


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["put", "add", "count", "remove"]), st.sampled_from("abcdefg"), st.floats(0, 9)),
    max_size=80,
)


@given(OPERATIONS)
async def test_it_never_holds_more_than_its_bound_nor_says_what_has_expired(operations) -> None:
    hand = Hand()
    store = MemoryStore(entries=4, clock=hand)
    expires: dict[str, float] = {}
    for operation, key, seconds in operations:
        hand.now += seconds / 3
        match operation:
            case "put":
                await store.put(key, b"x", ttl=seconds)
                expires[key] = hand.now + seconds
            case "add":
                if await store.add(key, b"x", ttl=seconds):
                    expires[key] = hand.now + seconds
            case "count":
                if await store.count(key, 1, ttl=seconds) == 1:
                    expires[key] = hand.now + seconds
            case "remove":
                await store.remove(key)
        assert len(store) <= 4
        for known, end in expires.items():
            assert end > hand.now or await store.get(known) is None
