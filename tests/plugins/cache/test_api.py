"""/api/v1/cache as the admin port serves it: who may, what is let go of, and what stays on the trail."""

from __future__ import annotations

import pytest

from gateway.testing import HandScope
from plugins.cache.component import Cache
from plugins.cache.entry import Entry
from plugins.cache.keys import PURPOSE
from plugins.cache.options import TiersConfig
from tests.gateway.admin.admins import ELSEWHERE, TOKENS, client, state

PURGE = "/api/v1/cache/purge"
WHY = {"reason": "a wrong price", "by": "ada"}


@pytest.fixture
def lent() -> HandScope:
    made = HandScope()
    made.components = [Cache(TiersConfig(), made)]
    return made


@pytest.fixture
def cache(lent) -> Cache:
    made = lent.component(Cache)
    for who in ("ada", "bob"):
        partition = lent.hash(PURPOSE, who)
        for path in ("/v1/a", "/v1/b?x=1"):
            uri = f"http://shop.example{path}"
            key = f"all {partition} {uri}"
            now = lent.clock.now()
            made.memory.put(
                Entry(
                    key, uri, partition, 200, [], b"{}", now, now - 5, 60.0, now + 60, tags=(f"of-{who}",), route="all"
                )
            )
    return made


@pytest.fixture
def asking(lent, cache):
    def ask(*peer: str, **how):
        return client(state(components=lambda: list(lent.components), tokens=TOKENS), *peer, **how)

    return ask


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"kind": "path", "value": "/v1/b"}, 2),
        ({"kind": "path", "value": "/v1/b", "principal": "ada"}, 3),
        ({"kind": "prefix", "value": "/v1/"}, 0),
        ({"kind": "uri", "value": "http://shop.example/v1/b?x=1"}, 2),
        ({"kind": "tag", "value": "of-bob"}, 2),
        ({"kind": "principal", "value": "ada"}, 2),
        ({"kind": "all"}, 0),
    ],
)
async def test_what_is_named_is_gone(asking, cache, asked, left) -> None:
    async with asking() as admin:
        answer = await admin.post(PURGE, json=asked | WHY)
    assert answer.json() == {"purged": 4 - left, "everywhere": True, "by": "human:ada via loopback"}
    assert len(cache.memory) == left


async def test_a_purge_is_on_the_trail_with_who_and_why_and_names_no_principal(asking, lent) -> None:
    async with asking() as admin:
        await admin.post(PURGE, json={"kind": "principal", "value": "ada", **WHY})
    [entry] = lent.audited
    assert (entry["action"], entry["subject"]) == ("cache.purge", f"principal {lent.hash(PURPOSE, 'ada')}")
    assert entry["detail"] == {"by": "human:ada via loopback", "reason": "a wrong price", "known": 2}


async def test_who_may_only_read_lets_go_of_nothing(asking, cache) -> None:
    async with asking(ELSEWHERE, token=TOKENS.read) as admin:
        assert (await admin.post(PURGE, json={"kind": "all", **WHY})).status_code == 403
        assert (await admin.get("/api/v1/cache")).json()["memory"]["entries"] == 4
    assert len(cache.memory) == 4


async def test_entries_of_a_path_are_shown_without_their_bodies_and_go_by_their_key(asking, cache) -> None:
    async with asking() as admin:
        [entry, _] = (await admin.get("/api/v1/cache/entries", params={"path": "/v1/a"})).json()["items"]
        assert (entry["status"], entry["bytes"], entry["tags"]) == (200, 2, ["of-ada"])
        assert (entry["age_seconds"], entry["fresh_for_seconds"]) == (5.0, 55.0)
        await admin.post(PURGE, json={"kind": "key", "value": entry["key"], **WHY})
        assert len(cache.memory) == 3
        assert (await admin.get("/api/v1/cache/entries")).status_code == 400


async def test_an_entry_whose_address_holds_a_card_is_shown_without_it(asking, cache, lent) -> None:
    uri, now = "http://shop.example/v1/c?card=4242-4242-4242-4242", lent.clock.now()
    cache.memory.put(Entry(f"all - {uri}", uri, "-", 200, [], b"{}", now, now, 60.0, now + 60, route="all"))
    async with asking() as admin:
        [entry] = (await admin.get("/api/v1/cache/entries", params={"path": "/v1/c"})).json()["items"]
    assert (entry["key"], entry["uri"], entry["route"]) == ("[masked]", "[masked]", "all")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"kind": "path", **WHY}, "a value goes with each kind but all"),
        ({"kind": "all", "value": "/", **WHY}, "a value goes with each kind but all"),
        ({"kind": "all"}, "reason: Field required"),
        ({"kind": "all", "reason": "card 4242 4242 4242 4242"}, "reason: it holds no number of a card"),
        ({"kind": "key", "value": "a", **WHY}, "a key is as"),
        ({"kind": "principal", "value": "a", "principal": "b", **WHY}, "say the principal once"),
        ({"kind": "rack", "value": "a", **WHY}, "kind:"),
    ],
)
async def test_what_cannot_be_meant_is_refused_and_says_why(asking, cache, asked, why) -> None:
    async with asking() as admin:
        answer = await admin.post(PURGE, json=asked)
    assert answer.status_code == 400
    assert why in answer.json()["detail"]
    assert len(cache.memory) == 4
