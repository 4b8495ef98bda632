from __future__ import annotations

import pytest

from gateway.testing import scope
from plugins.cache.component import REMEMBERED, Cache
from plugins.cache.entry import Entry
from plugins.cache.options import TiersConfig
from plugins.cache.tiers import Purge


class Below:
    """A lower tier in the test's hand."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    async def get(self, key: str) -> Entry | None:
        return self.entries.get(key)

    async def put(self, entry: Entry, ttl: float) -> None:
        assert ttl > 0
        self.entries[entry.key] = entry

    async def delete(self, key: str) -> None:
        self.entries.pop(key, None)

    async def purge(self, what: Purge) -> int:
        gone = [key for key, entry in self.entries.items() if what.takes(entry)]
        for key in gone:
            del self.entries[key]
        return len(gone)


@pytest.fixture
def cache() -> Cache:
    made = Cache(TiersConfig(), scope())
    made.below = [Below(), Below()]
    return made


def entry(cache: Cache, key: str = "k", *, ttl: float = 60.0, **said) -> Entry:
    now = cache.scope.clock.now()
    return Entry(*(key, f"http://shop/{key}", "", 200, [], b"", now, now, 60.0, now + ttl), **said)


async def test_what_is_kept_lies_in_all_tiers_and_goes_from_all(cache) -> None:
    assert await cache.put(entry(cache))
    assert all("k" in tier.entries for tier in cache.below)
    await cache.delete("k")
    assert not any(tier.entries for tier in cache.below)
    assert cache.memory.get("k") is None


async def test_what_a_lower_tier_has_is_in_those_above_it_then(cache) -> None:
    kept = entry(cache)
    await cache.below[1].put(kept, 60)
    assert await cache.find_below("k") is kept
    assert cache.memory.get("k") is kept
    assert cache.below[0].entries == {"k": kept}
    assert await cache.find_below("other") is None


async def test_an_entry_of_another_key_or_that_nobody_needs_any_more_is_a_miss(cache) -> None:
    cache.below[0].entries = {"k": entry(cache, "other"), "old": entry(cache, "old", ttl=-1.0)}
    assert await cache.find_below("k") is None
    assert await cache.find_below("old") is None
    assert not await cache.put(entry(cache, ttl=0.0))


async def test_what_was_asked_for_before_a_purge_is_not_kept_after_it(cache) -> None:
    asked_before, spared = entry(cache), entry(cache, "other")
    cache.scope.clock.advance(1)
    assert await cache.purge(Purge("key", "k")) == 0
    assert not await cache.put(asked_before)
    assert await cache.put(spared)
    cache.scope.clock.advance(1)
    assert await cache.put(entry(cache))


async def test_where_purges_are_forgotten_what_was_asked_for_before_them_is_not_kept(cache) -> None:
    asked_before = entry(cache)
    cache.scope.clock.advance(1)
    for number in range(REMEMBERED + 1):
        cache.purge_here(Purge("key", f"other {number}"))
    assert not await cache.put(asked_before)


async def test_a_purge_counts_what_the_tier_knew_that_knew_most(cache) -> None:
    await cache.put(entry(cache, tags=("a",)))
    await cache.put(entry(cache, "2", tags=("a",)))
    cache.memory.delete("2")
    cache.scope.clock.advance(1)
    assert await cache.purge(Purge("tag", "a")) == 2


def test_what_became_of_requests_is_counted_by_route(cache) -> None:
    cache.counts_of("invoices")["hit"] += 1
    assert cache.counts_of("invoices")["hit"] == 1
    assert cache.counts == {"invoices": {"hit": 1}}
