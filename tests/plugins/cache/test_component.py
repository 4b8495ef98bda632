from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import product
from random import Random
from types import SimpleNamespace

import orjson
import pytest

from gateway.testing import Client, scope, serve
from plugins.cache.component import REMEMBERED, Cache
from plugins.cache.entry import Entry
from plugins.cache.options import TiersConfig
from plugins.cache.tiers import Purge
from tests.plugins.cache.replicas import entries, keyring, read, refund, replica, tier_of, until


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


# both tiers, whatever happens to them


class Shops:
    """Two gateways that share a Redis, before an origin whose answers say for whom they are made and how new they are.

    Whoever clears an invoice at one of them reads nothing older there.
    """

    def __init__(self, valkey, seed: int) -> None:
        self.chance = Random(seed)
        self.versions = dict.fromkeys(("in_1", "in_2", "in_3"), 0)
        self._valkey = valkey
        self._made: list[tuple[AsyncExitStack, Client]] = []

    async def origin(self, scope, receive, send) -> None:
        invoice, who = scope["path"].rsplit("/", 1)[-1], dict(scope["headers"])[b"x-user-id"].decode()
        body = orjson.dumps({"for": who, "invoice": invoice, "version": self.versions.get(invoice)})
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})

    async def begin(self, url: str) -> None:
        """One more gateway."""
        stack, where = AsyncExitStack(), SimpleNamespace(url=url)
        made = replica(where, self._valkey.url, redis="{timeout: 20ms}", keyring=keyring())
        self._made.append((stack, await stack.enter_async_context(made)))

    async def end(self) -> None:
        """The oldest ends, once nobody need be told of a purge: a gateway that ends with one takes that along."""
        for _, client in self._made:
            await until(lambda client=client: tier_of(client).trouble is None)
        stack, _ = self._made.pop(0)
        await stack.aclose()

    async def read_anew(self) -> None:
        """The latest gateway has what Redis has, and nothing that was cleared at any."""
        for who, (invoice, version) in product(("ada", "bob"), self.versions.items()):
            told = (await read(self._made[-1][1], who, f"/v1/invoices/{invoice}")).json()
            assert (told["for"], told["version"]) == (who, version)

    async def read(self) -> None:
        client, who, invoice = self._chosen()
        told = (await read(client, who, f"/v1/invoices/{invoice}")).json()
        assert (told["for"], told["invoice"]) == (who, invoice)

    async def clear(self) -> None:
        client, who, invoice = self._chosen()
        self.versions[invoice] += 1
        await refund(client, who, invoice)
        told = (await read(client, who, f"/v1/invoices/{invoice}")).json()
        assert (told["for"], told["version"]) == (who, self.versions[invoice])

    def _chosen(self) -> tuple[Client, str, str]:
        _, client = self.chance.choice(self._made)
        return client, self.chance.choice(("ada", "bob")), self.chance.choice(list(self.versions))

    def spoil(self) -> None:
        """One value is changed, or put under the name of another."""
        names = entries(self._valkey)
        if len(names) < 2:
            return
        one, other = self.chance.sample(names, 2)
        with self._valkey.client() as client:
            value = client.get(one)
            if self.chance.random() < 0.5:
                client.copy(one, other, replace=True)
            elif value:
                client.set(one, value[:-1] + bytes([value[-1] ^ 1]), px=60_000)


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_answer_ever_crosses_whatever_happens_to_redis_and_the_gateways(valkey, seed) -> None:
    """With purges, restarts of gateways, values spoilt and moved, and a Redis that forgets all or freezes."""
    shops = Shops(valkey, seed)
    calm = [shops.read] * 24 + [shops.clear] * 3
    async with serve(shops.origin) as url:
        await shops.begin(url)
        await shops.begin(url)
        for _ in range(8):
            for act in shops.chance.choices(calm, k=10):
                await act()
            shops.spoil()
            match shops.chance.choice(["restart", "stop", "freeze"]):
                case "restart":
                    await shops.end()
                    await shops.begin(url)
                    await shops.read_anew()
                case "stop":
                    valkey.stop()
                    await shops.read()
                    await shops.clear()
                    valkey.start()
                case _:
                    valkey.freeze()
                    try:
                        await shops.read()
                        await shops.clear()
                    finally:
                        valkey.thaw()
        await shops.end()
        await shops.end()
