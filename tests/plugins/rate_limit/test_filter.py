"""The filter: over real sockets, over a shared store that comes and goes, and what it tells of."""

from __future__ import annotations

import asyncio

import pytest

from gateway import Principal, Response, StoreDown
from gateway.control.scope import ShadowStore
from gateway.exchange import Attempt
from gateway.outcomes import Outcome
from gateway.store.fallback import Fallback
from gateway.store.memory import MemoryStore
from gateway.store.redis import RedisStore
from gateway.testing import HandScope, backend, exchange, running_gateway
from plugins.rate_limit.blocks import Blocks, BlocksConfig
from plugins.rate_limit.options import RateLimitConfig
from plugins.rate_limit.problems import Blocked, RateLimited
from tests.plugins.rate_limit.conftest import limiter
from tests.servers import valkey_cluster, valkey_server

NAMED = {"principal": {"header": "x-user-id", "from": "any", "optional": False}}
BLOCK = {"after": 3, "within": "10m", "for": "15m"}
ADA = {"x-user-id": "ada"}


async def passes(step, **given) -> bool:
    try:
        await step.on_request(exchange(**given))
    except RateLimited:
        return False
    return True


async def test_a_user_beyond_their_limit_is_refused_and_another_is_not() -> None:
    limits = {"limits": [{"per": "user", "limit": "2/minute"}, {"limit": "100/minute"}]}
    async with backend() as served, running_gateway(served.url, filters=[NAMED, {"rate_limit": limits}]) as client:
        answers = [await client.get("/", headers=ADA) for _ in range(3)]
        other = await client.get("/", headers={"x-user-id": "eve"})

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert other.status_code == 200
    refused = answers[-1]
    assert refused.headers["retry-after"] in ("29", "30")
    assert refused.headers["ratelimit-policy"] == '"user";q=2;w=60, "global";q=100;w=60'
    assert refused.headers["ratelimit"] == f'"user";r=0;t={refused.headers["retry-after"]}'
    assert refused.json()["code"] == "rate_limited"
    assert refused.json()["violated-policies"] == ["user"]
    assert len(served.seen) == 3


async def test_addresses_are_those_behind_trusted_proxies() -> None:
    limits = {"limits": [{"per": "ip", "limit": "1/minute"}]}
    gateway = {"filters": [{"rate_limit": limits}], "trusted": ["127.0.0.1"]}
    async with backend() as served, running_gateway(served.url, **gateway) as client:
        told = [
            (await client.get("/", headers={"x-forwarded-for": address})).status_code
            for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "203.0.113.7", "203.0.113.8")
        ]

    assert told == [200, 429, 200, 200, 200]


async def test_who_goes_on_although_refused_is_blocked_wherever_there_is_a_rate_limit() -> None:
    policy = """
version: 1
upstreams: {{backend: {{url: "{url}"}}}}
routes:
  - name: strict
    match: {{path: /strict}}
    upstream: backend
    filters:
      - rate_limit: {{limits: [{{per: ip, limit: 1/minute}}], block: {{after: 2, within: 1m, for: 15m}}}}
  - name: other
    match: {{path: /other}}
    upstream: backend
    filters: [rate_limit: {{limits: [{{limit: 1000/minute}}]}}]
  - {{name: open, match: {{path: /open}}, upstream: backend}}
"""
    async with backend() as served, running_gateway(policy=policy.format(url=served.url)) as client:
        assert (await client.get("/other")).status_code == 200
        assert [(await client.get("/strict")).status_code for _ in range(3)] == [200, 429, 429]
        blocked = await client.get("/other")
        assert (await client.get("/open")).status_code == 200
        [found] = await client.component(Blocks).all()

    assert (blocked.status_code, blocked.json()["code"]) == (429, "blocked")
    assert blocked.headers["retry-after"] in ("899", "900")
    assert (found.author, found.reason) == ("rate_limit", "strict: ip 1/minute")


async def test_a_refusal_by_one_limit_takes_nothing_of_another() -> None:
    step = limiter(limits=[{"per": "header:x-device", "limit": "1/minute"}, {"limit": "3/minute"}])
    device = {"headers": {"x-device": "a"}}
    assert [await passes(step, **device) for _ in range(4)] == [True, False, False, False]
    assert [await passes(step) for _ in range(3)] == [True, True, False]


async def test_failures_alone_count_once_they_are_known() -> None:
    step = limiter(limits=[{"per": "ip", "limit": "2/minute", "count": "failures"}])
    for status, outcome, attempted in (
        (201, None, True),
        (402, None, False),  # a repeat that was answered from the ledger
        (402, None, True),
        (422, Outcome.FAILED, True),
    ):
        made = exchange()
        await step.on_request(made)
        made.response = _answer(status)
        made.outcome = outcome
        made.attempts = [Attempt(1, 0.0, status=status)] if attempted else []
        await step.on_response(made)

    assert not await passes(step)


def _answer(status: int):
    return Response(status)


async def test_a_refusal_below_of_whom_nobody_knows_counts_as_a_failure() -> None:
    limits = {"limits": [{"per": "ip", "limit": "2/minute", "count": "failures"}]}
    async with backend() as served, running_gateway(served.url, filters=[{"rate_limit": limits}, NAMED]) as client:
        known = [(await client.get("/", headers=ADA)).status_code for _ in range(5)]
        unknown = [(await client.get("/")).status_code for _ in range(3)]
        after = (await client.get("/", headers=ADA)).status_code

    assert (known, unknown, after) == ([200] * 5, [401, 401, 429], 429)


async def test_in_shadow_it_counts_in_a_namespace_of_its_own_and_refuses_nobody() -> None:
    limits = {"limits": [{"per": "ip", "limit": "1/minute"}], "block": {**BLOCK, "after": 1}}
    filters = [{"rate_limit": {**limits, "mode": "shadow"}}]
    async with backend() as served, running_gateway(served.url, filters=filters) as client:
        answers = [(await client.get("/")).status_code for _ in range(3)]
        steps = [(await client.ended()).steps[0] for _ in range(3)]
        found = await client.component(Blocks).all()

    assert answers == [200] * 3
    assert [step.decision for step in steps] == ["would_pass", "would_refuse", "would_refuse"]
    assert [step.code for step in steps] == [None, "rate_limited", "blocked"]
    assert found == []


async def test_a_shadowed_one_and_an_enforced_one_do_not_count_each_others_requests() -> None:
    store = MemoryStore()
    options = {"limits": [{"limit": "1/minute"}]}
    live, shadow = (limiter(HandScope(store=each), **options) for each in (store, ShadowStore(store)))
    assert [await passes(live), await passes(shadow)] == [True, True]
    assert [await passes(live), await passes(shadow)] == [False, False]


async def test_what_survives_a_reload_is_what_is_in_the_store() -> None:
    store = MemoryStore()
    options = {"limits": [{"limit": "2/minute"}]}
    assert await passes(limiter(HandScope(store=store), **options))
    assert await passes(limiter(HandScope(store=store), **options))
    assert not await passes(limiter(HandScope(store=store), **options))


async def test_people_are_told_of_a_limit_that_is_exceeded_once_a_minute_and_of_each_block() -> None:
    lent = HandScope(place="pay")
    step = limiter(lent, limits=[{"per": "ip", "limit": "1/minute"}], block=BLOCK)
    for _ in range(4):
        await passes(step)
    for _ in range(3):
        await passes(step, client="198.51.100.1")
    lent.clock.advance(61)
    await passes(step, client="198.51.100.1")

    told = [(code, detail) for code, _, detail in lent.events]
    assert [code for code, _ in told] == ["rate_limit_exceeded", "key_blocked", "rate_limit_exceeded", "key_blocked"]
    assert told[0][1] == {"route": "pay", "limit": "ip", "refused_before": 0}
    assert told[2][1]["refused_before"] == 4


async def test_the_note_of_a_refusal_names_the_limits() -> None:
    step = limiter(limits=[{"per": "ip", "limit": "1/minute", "name": "burst"}])
    await step.on_request(exchange())
    made = exchange()
    with pytest.raises(RateLimited):
        await step.on_request(made)

    assert [(note.code, note.detail) for note in made.notes] == [("rate_limited", {"limits": ["burst"]})]


@pytest.fixture
def server(tmp_path):
    with valkey_server(tmp_path) as made:
        yield made


class Shared(HandScope):
    """Of a gateway that has a REDIS_URL."""

    def __init__(self, shared, own: MemoryStore, **given) -> None:
        super().__init__(store=shared, **given)
        self._own = own
        self._either = Fallback(shared, own)

    @property
    def local(self):
        return self._own

    @property
    def store_or_local(self):
        return self._either


@pytest.fixture
async def lent(server):
    store = RedisStore(server.url)
    await store.open()
    yield Shared(store, MemoryStore())
    await store.close()


async def test_while_redis_is_frozen_it_is_decided_here_and_soon(server, lent) -> None:
    step = limiter(lent, limits=[{"limit": "3/minute"}])
    assert await passes(step)
    server.freeze()
    loop = asyncio.get_running_loop()
    began = loop.time()
    told = [await passes(step) for _ in range(5)]
    took = loop.time() - began
    server.thaw()

    assert told == [True] * 3 + [False] * 2
    assert lent.store_or_local.used == 5
    assert took >= 0.010


@pytest.mark.parametrize("mode", ["closed", "open"])
async def test_closed_and_open_leave_it_to_the_chain_that_redis_is_away(server, lent, mode) -> None:
    step = limiter(lent, limits=[{"limit": "3/minute"}], failure_mode=mode)
    server.stop()
    with pytest.raises(StoreDown):
        await step.on_request(exchange())


async def test_open_passes_and_closed_refuses_with_503() -> None:
    async with backend() as served:
        for mode, status in (("open", 200), ("closed", 503), ("local", 200)):
            limits = {"limits": [{"limit": "3/minute"}], "failure_mode": mode}
            async with running_gateway(served.url, filters=[{"rate_limit": limits}], store=Away()) as client:
                answer = await client.get("/")
            assert answer.status_code == status, mode


class Away(MemoryStore):
    def _now(self):
        raise StoreDown("a test says so")


async def test_who_was_seen_to_be_blocked_stays_so_while_redis_is_away(server, lent) -> None:
    step = limiter(lent, limits=[{"per": "ip", "limit": "1/minute"}], block={**BLOCK, "after": 1})
    other = limiter(lent, limits=[{"limit": "1000/minute"}])
    assert [await passes(step) for _ in range(2)] == [True, False]
    server.stop()

    with pytest.raises(Blocked):
        await other.on_request(exchange())


async def test_a_block_of_another_gateway_is_known_here_once_it_refused_somebody(server, lent) -> None:
    options = {"limits": [{"per": "ip", "limit": "1/minute"}], "block": {**BLOCK, "after": 1}}
    elsewhere, here = limiter(Shared(lent.store, MemoryStore()), **options), limiter(lent, **options)
    assert [await passes(elsewhere) for _ in range(2)] == [True, False]
    assert not await passes(here)
    server.stop()

    assert not await passes(here)


async def test_who_is_known_to_be_blocked_costs_one_round_trip_as_well(server, lent) -> None:
    step = limiter(lent, limits=[{"per": "ip", "limit": "1/minute"}], block={**BLOCK, "after": 1})
    assert [await passes(step) for _ in range(3)] == [True, False, False]
    trips = lent.store.stats()["pipelines_total"]
    assert [await passes(step) for _ in range(5)] == [False] * 5
    assert lent.store.stats()["pipelines_total"] - trips == 5


async def test_what_failed_stays_what_it_is_although_redis_went_away(server, lent) -> None:
    step = limiter(lent, limits=[{"per": "ip", "limit": "1/minute", "count": "failures"}], failure_mode="closed")
    made = exchange()
    await step.on_request(made)
    server.stop()
    made.response, made.attempts = _answer(402), [Attempt(1, 0.0, status=402)]
    await step.on_response(made)

    assert lent.store_or_local.used == 1


async def test_an_entry_is_one_round_trip(server, lent) -> None:
    limits = [{"per": "user", "limit": "100/minute"}, {"per": "ip", "limit": "100/minute"}, {"limit": "900/minute"}]
    step = limiter(lent, limits=limits, block=BLOCK)
    await step.on_request(exchange(facts=[Principal("ada")]))
    commands, trips = server.commands(), lent.store.stats()["pipelines_total"]
    for _ in range(10):
        await step.on_request(exchange(facts=[Principal("ada")]))

    assert server.commands()["evalsha"] - commands.get("evalsha", 0) == 10
    assert lent.store.stats()["pipelines_total"] - trips == 10


async def test_on_a_cluster_each_subject_is_decided_apart_and_given_back_where_another_refuses(tmp_path) -> None:
    with valkey_cluster(tmp_path) as server:
        store = RedisStore(server.url.replace("redis:", "redis+cluster:"), timeout=1.0)
        await store.open()
        lent = Shared(store, MemoryStore())
        step = limiter(
            lent, limits=[{"per": "header:x-device", "limit": "1/minute"}, {"limit": "3/minute"}], block=BLOCK
        )
        device = {"headers": {"x-device": "a"}}
        first = [await passes(step, **device) for _ in range(3)]
        second = [await passes(step) for _ in range(3)]
        strikes = [await passes(step, **device) for _ in range(2)]
        found = await store.scan("block:")
        await store.close()

    assert first == [True, False, False]
    assert second == [True, True, False]
    assert strikes == [False, False]
    assert [key.partition("{")[2].partition(":")[0] for key, _, _ in found] == ["header"]
    assert lent.store_or_local.used == 0


def test_what_it_requires_is_what_its_limits_count_by() -> None:
    lent = HandScope()
    lent.components = [Blocks(BlocksConfig(), lent)]
    step = limiter(lent, limits=[{"per": "user", "limit": "1/minute"}, {"per": "fact:Device.id", "limit": "1/minute"}])
    assert step.requires == (Principal,)
    assert step.requires_named == ("Device",)
    assert RateLimitConfig.model_validate({"limits": [{"limit": "1/day"}]}).failure_mode == "local"
