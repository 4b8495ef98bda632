from __future__ import annotations

import pytest

from gateway import BEGINNINGS
from gateway.testing import scope
from plugins.cache.component import Cache
from plugins.cache.dates import text
from plugins.cache.fields import grouped
from plugins.cache.freshness import Terms
from plugins.cache.keeping import Answered, dated, entry_of, keep, vary_of
from plugins.cache.keys import Asked, variant_key
from plugins.cache.options import CacheConfig, TiersConfig

TERMS = Terms(60.0, validate=False, strict=False, stale_while_revalidate=5.0, stale_if_error=0.0)
ACCEPT, ETAG, VARY = BEGINNINGS[b"accept"], BEGINNINGS[b"etag"], BEGINNINGS[b"vary"]


@pytest.fixture
def cache() -> Cache:
    return Cache(TiersConfig(), scope())


def entry(cache: Cache, asked: Asked, pieces: list[bytes], **options):
    now = cache.scope.clock.now()
    config = CacheConfig.model_validate({"partition": "none", **options})
    return entry_of(asked, Answered(200, pieces, grouped(pieces), b"x", TERMS, now, now), config)


def asked(*pieces: bytes) -> Asked:
    return Asked("r p http://shop/", "p", list(pieces))


def test_it_is_kept_for_as_long_as_it_can_be_of_use(cache) -> None:
    now = cache.scope.clock.now()
    assert entry(cache, asked(), []).kept_until == now + 65
    assert entry(cache, asked(), [ETAG, b'"1"'], keep="100s").kept_until == now + 160
    assert entry(cache, asked(), [ETAG, b'"1"'], longest="90s").kept_until == now + 90


def test_what_says_nothing_of_when_it_was_made_was_made_when_it_came() -> None:
    date = BEGINNINGS[b"date"]
    assert dated([], 784111777.0) == [date, text(784111777.0)]
    assert dated([date, b"x"], 0) == [date, b"x"]


def test_fields_that_select_are_in_one_order_whatever_their_case() -> None:
    assert vary_of({b"vary": [b"B, a", b"A,,"]}) == (b"a", b"b")


async def test_one_that_nothing_selects_lies_under_the_key_itself(cache) -> None:
    assert await keep(cache, entry(cache, asked(), []), asked(), 60)
    assert cache.memory.get("r p http://shop/").status == 200


async def test_variants_lie_beside_what_tells_them_apart(cache) -> None:
    for value in (b"a", b"b", b"a"):
        ask = asked(ACCEPT, value)
        await keep(cache, entry(cache, ask, [VARY, b"accept"]), ask, 600)
    marker = cache.memory.get("r p http://shop/")
    assert (marker.status, marker.vary) == (0, (b"accept",))
    assert len(cache.memory) == 3
    assert cache.memory.get(variant_key(marker, [ACCEPT, b"b"])).vary == (b"accept",)


async def test_a_name_that_is_new_leaves_older_variants_behind_and_none_that_was_said_is_forgotten(cache) -> None:
    ask = asked(ACCEPT, b"a")
    await keep(cache, entry(cache, ask, [VARY, b"accept"]), ask, 600)
    before = cache.memory.get("r p http://shop/")
    await keep(cache, entry(cache, ask, [VARY, b"cookie"]), ask, 600)
    after = cache.memory.get("r p http://shop/")
    assert after.vary == (b"accept", b"cookie")
    assert after.generation != before.generation
    await keep(cache, entry(cache, ask, []), ask, 600)  # one that names none is kept no less apart
    assert cache.memory.get("r p http://shop/") is after


async def test_what_tells_variants_apart_lives_as_long_as_they_do(cache) -> None:
    ask = asked(ACCEPT, b"a")
    await keep(cache, entry(cache, ask, [VARY, b"accept"]), ask, 70)
    generation = cache.memory.get("r p http://shop/").generation
    cache.scope.clock.advance(20)
    await keep(cache, entry(cache, ask, [VARY, b"accept"]), ask, 70)
    marker = cache.memory.get("r p http://shop/")
    assert marker.generation == generation
    assert marker.kept_until >= cache.memory.get(variant_key(marker, ask.pieces)).kept_until


async def test_a_miss_asks_a_lower_tier_once_and_again_only_where_there_are_variants(cache) -> None:
    class Counted:
        gets = 0

        async def get(self, key):
            self.gets += 1

        async def put(self, entry, ttl):
            pass

    below = Counted()
    cache.below = (below,)
    await keep(cache, entry(cache, asked(), []), asked(), 60)  # the miss itself has looked already
    assert below.gets == 0
    await keep(cache, entry(cache, asked(), [VARY, b"accept"]), asked(), 60)
    assert below.gets == 0, "the memory has what lies there"
    cache.memory.delete(asked().key)
    await keep(cache, entry(cache, asked(), [VARY, b"accept"]), asked(), 60)
    assert below.gets == 1


async def test_no_entry_holds_what_a_request_said_in_the_fields_that_select(cache) -> None:
    ask = asked(ACCEPT, b"a secret of the client")
    await keep(cache, entry(cache, ask, [VARY, b"accept"]), ask, 600)
    kept = [each.encode() + each.key.encode() for each in cache.memory]
    assert len(kept) == 2
    assert not any(b"a secret" in each for each in kept)
