from __future__ import annotations

import pytest

from gateway.testing import HandClock
from plugins.cache.entry import Entry
from plugins.cache.tiers import MemoryTier, Purge


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def entry(clock: HandClock, key: str, *, body: bytes = b"", ttl: float = 60.0, partition: str = "", **said) -> Entry:
    now = clock.now()
    uri = said.pop("uri", f"http://shop/v1/{key}")
    return Entry(*(key, uri, partition, 200, [], body, now, now, ttl, now + ttl), **said)


def test_what_was_used_longest_ago_goes_first(clock) -> None:
    tier = MemoryTier(1 << 20, 2, clock.now)
    tier.put(entry(clock, "a"))
    tier.put(entry(clock, "b"))
    assert tier.get("a")
    tier.put(entry(clock, "c"))
    assert [each.key for each in tier] == ["a", "c"]
    assert (len(tier), tier.evictions) == (2, 1)


def test_bytes_are_bounded_and_none_takes_the_place_of_all_others(clock) -> None:
    tier = MemoryTier(64 << 10, 1000, clock.now)
    for number in range(100):
        tier.put(entry(clock, str(number), body=b"x" * 2000))
    assert tier.bytes <= 64 << 10
    assert tier.bytes == sum(each.size for each in tier)
    tier.put(entry(clock, "99", body=b"x" * 10_000))
    assert tier.get("99") is None


def test_what_nobody_needs_any_more_is_not_found(clock) -> None:
    tier = MemoryTier(1 << 20, 10, clock.now)
    tier.put(entry(clock, "a", ttl=5))
    clock.advance(5)
    assert tier.get("a") is None
    assert (len(tier), tier.bytes) == (0, 0)


PURGES = [
    (Purge("key", "a"), {"b", "c"}),
    (Purge("key", "none"), {"a", "b", "c"}),
    (Purge("uri", "http://shop/v1/a"), {"c"}),
    (Purge("uri", "http://shop/v1/a", within="ada"), {"b", "c"}),
    (Purge("prefix", "/v1/a"), {"c"}),
    (Purge("prefix", "http://shop/v1/"), set()),
    (Purge("prefix", "/v1/", within="bob"), {"a"}),
    (Purge("tag", "t"), {"a", "b"}),
    (Purge("partition", "ada"), {"b", "c"}),
    (Purge("all"), set()),
]


@pytest.mark.parametrize(("what", "left"), PURGES)
def test_a_purge_takes_what_it_says_and_nothing_else(clock, what, left) -> None:
    tier = MemoryTier(1 << 20, 10, clock.now)
    tier.put(entry(clock, "a", partition="ada"))
    tier.put(entry(clock, "b", partition="bob", uri="http://shop/v1/a"))
    tier.put(entry(clock, "c", partition="bob", tags=("t",)))
    assert tier.purge(what) == 3 - len(left)
    assert {each.key for each in tier} == left


def test_a_target_that_has_nothing_left_is_forgotten(clock) -> None:
    tier = MemoryTier(1 << 20, 10, clock.now)
    tier.put(entry(clock, "a"))
    tier.delete("a")
    tier.delete("a")
    assert tier.purge(Purge("uri", "http://shop/v1/a")) == 0
    assert not tier._by_mark


def test_a_memory_of_no_entries_keeps_none_and_lets_go_of_none(clock) -> None:
    tier = MemoryTier(1 << 20, 0, clock.now)
    tier.put(entry(clock, "a"))
    assert (tier.get("a"), len(tier), tier.evictions) == (None, 0, 0)
