from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import Principal, UpstreamBroken
from gateway.testing import backend, running_gateway, scope
from plugins.cache.answers import NotCached
from plugins.cache.component import Cache
from plugins.cache.filter import CacheFilter
from plugins.cache.options import CacheConfig, TiersConfig
from plugins.cache.tiers import Purge
from tests.plugins.cache.conftest import Shop, answered, status_of

FRESH = {"cache_control": "max-age=60"}


async def test_what_is_fresh_answers_without_the_upstream_and_without_a_copy_of_its_body(shop) -> None:
    made = shop()
    made.will_answer(answered(body=b"x" * 1000, **FRESH))
    first, again = await made.ask(), await made.ask()
    assert len(made.sent) == 1
    assert again.answer.body.data is first.answer.body.data
    made.clock.advance(10)
    later = await made.ask()
    assert later.answer.headers["age"] == "10"
    assert status_of(later) == "hit; ttl=50"
    assert [(step.decision, step.code) for step in later.steps] == [("answered", "hit")]


# what the request says: directives, after so many seconds; what is told, and how often the origin was asked

ASKED = [
    ({}, 30, "hit; ttl=30", 1),
    ({}, 70, "fwd=stale; fwd-status=200; stored", 2),
    ({"cache_control": "no-cache"}, 0, "fwd=request; fwd-status=200; stored", 2),
    ({"pragma": "no-cache"}, 0, "fwd=request; fwd-status=200; stored", 2),
    ({"pragma": "no-cache", "cache_control": "max-age=100"}, 0, "hit; ttl=60", 1),
    ({"cache_control": "max-age=20"}, 30, "fwd=request; fwd-status=200; stored", 2),
    ({"cache_control": "max-age=40"}, 30, "hit; ttl=30", 1),
    ({"cache_control": "max-age=0"}, 0, "fwd=request; fwd-status=200; stored", 2),
    ({"cache_control": "min-fresh=31"}, 30, "fwd=request; fwd-status=200; stored", 2),
    ({"cache_control": "min-fresh=30"}, 30, "hit; ttl=30", 1),
    ({"cache_control": "max-stale=10"}, 70, "hit; ttl=-10", 1),
    ({"cache_control": "max-stale"}, 200, "hit; ttl=-140", 1),
    ({"cache_control": "max-stale=9"}, 70, "fwd=stale; fwd-status=200; stored", 2),
    ({"cache_control": "only-if-cached"}, 30, "hit; ttl=30", 1),
    ({"range": "bytes=0-1"}, 0, "fwd=bypass", 2),
    ({"if_match": '"x"'}, 0, "fwd=bypass", 2),
]


@pytest.mark.parametrize(("headers", "seconds", "told", "sent"), ASKED)
async def test_a_request_gets_what_it_asks_for(shop, headers, seconds, told, sent) -> None:
    made = shop()
    made.will_answer(answered(etag='"x"', **FRESH), answered(**FRESH))
    await made.ask()
    made.clock.advance(seconds)
    assert (await made.told(**headers), len(made.sent)) == (told, sent)


async def test_directives_of_clients_count_for_nothing_where_the_policy_says_so(shop) -> None:
    made = shop(request_directives="ignore")
    made.will_answer(answered(**FRESH))
    await made.ask()
    assert await made.told(cache_control="no-cache") == "hit; ttl=60"


async def test_who_wants_only_what_is_kept_gets_nothing_else(shop) -> None:
    made = shop()
    asked = await made.ask(cache_control="only-if-cached")
    assert isinstance(asked.error, NotCached)
    assert asked.answer.status == 504
    assert not made.sent


async def test_head_is_answered_from_get_and_keeps_nothing_itself(shop) -> None:
    made = shop()
    assert await made.told(method="HEAD") == "fwd=miss"
    made.will_answer(answered(**FRESH))
    await made.ask()
    assert await made.told(method="HEAD") == "hit; ttl=60"
    assert len(made.sent) == 2


async def test_requests_with_bodies_and_other_methods_pass(shop) -> None:
    made = shop()
    made.will_answer(answered(**FRESH))
    await made.ask()
    assert await made.told(method="OPTIONS") == ""
    assert len(made.sent) == 2


async def test_variants_are_told_apart_by_what_any_of_them_named(shop) -> None:
    made = shop()
    made.will_answer(
        answered(body=b"en", vary="Accept-Language", **FRESH),
        answered(body=b"de", vary="accept-language", **FRESH),
        answered(body=b"gz", vary="Accept-Encoding, Accept-Language", **FRESH),
    )
    await made.ask(accept_language="en")
    await made.ask(accept_language="de")
    assert (await made.ask(accept_language="en")).answer.body.data == b"en"
    assert (await made.ask(accept_language="de")).answer.body.data == b"de"
    await made.ask(accept_language="fr", accept_encoding="gzip")
    assert (await made.ask(accept_language="fr", accept_encoding="gzip")).answer.body.data == b"gz"
    assert await made.told(accept_language="fr") == "fwd=miss; detail=no-freshness"


async def test_a_purged_target_takes_its_variants_with_it(shop) -> None:
    made = shop()
    made.will_answer(answered(vary="accept-language", **FRESH))
    await made.ask(accept_language="en")
    made.clock.advance(1)
    assert await made.cache.purge(Purge("uri", "http://shop.example/v1/invoices/7")) == 2
    assert await made.told(accept_language="en") == "fwd=miss; detail=no-freshness"


# whose it is


def test_a_cache_stands_below_who_says_whose_an_answer_is_and_never_on_a_payment() -> None:
    lent = scope()
    lent.components = [Cache(TiersConfig(), lent)]
    assert [kind.__name__ for kind in CacheFilter(CacheConfig(), lent).requires] == ["Principal"]
    assert CacheFilter(CacheConfig(partition="none"), lent).requires == ()
    lent.operation = "payment.create"
    with pytest.raises(ValueError, match=r"is not for a route of payments: a payment\.create must reach the upstream"):
        CacheFilter(CacheConfig(), lent)
    lent.operation = "invoice.read"
    assert CacheFilter(CacheConfig(), lent)


async def test_one_principal_never_gets_what_another_was_answered(shop) -> None:
    made = shop(partition="principal")
    made.will_answer(answered(body=b"ada's", **FRESH), answered(body=b"bob's", **FRESH))
    await made.ask(by="ada")
    assert (await made.ask(by="bob")).answer.body.data == b"bob's"
    assert (await made.ask(by="ada")).answer.body.data == b"ada's"
    assert "ada" not in "".join(entry.key for entry in made.cache.memory)


async def whose(rounds, made: Shop, other: Shop) -> None:
    """The origin answers each principal with the principal's own name; everybody must get that."""
    for kind, who, what, seconds in rounds:
        by, target = f"user-{who}", f"/v1/{what}"
        asked = other if kind == "other route" else made
        match kind:
            case "purge":
                await made.cache.purge(Purge("prefix", "/v1/"))
            case "restart":
                for entry in made.cache.memory:
                    made.cache.memory.delete(entry.key)
            case "write":
                await made.ask(target, "PUT", by=by)
            case _:
                made.clock.advance(seconds)
                headers = {"accept_language": "de"} if kind == "german" else {}
                if kind == "validate":
                    headers = {"cache_control": "no-cache"}
                got = await asked.ask(target, by=by, **headers)
                if got.error is None:
                    assert got.answer.body.data == f"{by} {target} {headers.get('accept_language')}".encode()


CONTROLS = (
    "max-age=5",
    "max-age=0",
    "no-cache",
    "private, max-age=9",
    "public, s-maxage=3, stale-if-error=9",
    "no-store",
)
ROUND = st.tuples(
    st.sampled_from(["get", "get", "german", "validate", "other route", "purge", "restart", "write"]),
    st.integers(0, 1),
    st.integers(0, 1),
    st.integers(0, 8),
)


@settings(max_examples=40, deadline=None)
@given(
    rounds=st.lists(ROUND, max_size=25),
    controls=st.lists(st.sampled_from(CONTROLS), min_size=1, max_size=5),
    private=st.booleans(),
)
async def test_no_answer_ever_crosses_from_one_principal_to_another(rounds, controls, private) -> None:
    lent = scope()
    lent.components = [Cache(TiersConfig(), lent)]
    options = {"partition": "principal", "keep_private": private, "stale_while_revalidate": "2s", "ttl": "3s"}
    made, other = Shop(lent, options), Shop(lent, options)
    turn = iter(range(1000))

    async def answer(asked):
        number, language = next(turn), asked.request.headers.get("accept-language")
        body = f"{asked.require(Principal).id} {asked.request.path} {language}".encode()
        if number % 7 == 6:
            raise UpstreamBroken("it went away")
        if asked.request.headers.get("if-none-match") and number % 2:
            return answered(304, b"", etag=asked.request.headers["if-none-match"], cache_control=controls[0])
        vary = {"vary": "accept-language"}
        return answered(body=body, etag=f'"{number}"', cache_control=controls[number % len(controls)], **vary)

    made.answers = other.answers = [answer] * 1000
    await whose(rounds, made, other)
    await lent.tasks.done()


# together


async def test_ten_thousand_who_want_the_same_ask_the_upstream_once(shop) -> None:
    made, gate = shop(wait="10m"), asyncio.Event()  # however slow the machine is

    async def late(_):
        await gate.wait()
        return answered(**FRESH)

    made.will_answer(late)
    crowd = [asyncio.ensure_future(made.ask()) for _ in range(10_000)]
    await made.waiting.wait()
    gate.set()
    got = await asyncio.gather(*crowd)
    assert len(made.sent) == 1
    assert {each.answer.status for each in got} == {200}
    assert made.filter._counts["coalesced"] == 9_999
    assert len(made.cache.flights) == 0


async def test_of_those_who_wait_one_goes_where_the_first_has_left(shop) -> None:
    made, gates = shop(), [asyncio.Event(), asyncio.Event()]

    def held(gate):
        async def late(_):
            await gate.wait()
            return answered(**FRESH)

        return late

    made.will_answer(*map(held, gates))
    leader = asyncio.ensure_future(made.ask())
    await made.waiting.wait()
    others = [asyncio.ensure_future(made.ask()) for _ in range(20)]
    await asyncio.sleep(0)
    made.waiting.clear()
    leader.cancel()
    await made.waiting.wait()
    others[3].cancel()  # one that only waits takes nobody along
    gates[1].set()
    for each in others:
        with suppress(asyncio.CancelledError):
            await each
    assert len(made.sent) == 2
    assert sum(each.done() and not each.cancelled() for each in others) == 19


async def test_what_is_for_one_alone_lets_the_others_go_at_once(shop) -> None:
    made, gate, under_way = shop(), asyncio.Event(), asyncio.Semaphore(0)

    async def private(_):
        under_way.release()
        await gate.wait()
        return answered(cache_control="private")

    async def first(_):
        return answered(cache_control="private")

    made.will_answer(first, *[private] * 49)
    crowd = [asyncio.ensure_future(made.ask()) for _ in range(50)]
    for _ in range(49):  # all are under way together: none waits for another
        await under_way.acquire()
    gate.set()
    assert {status_of(each) for each in await asyncio.gather(*crowd)} >= {"fwd=miss; detail=private"}
    assert len(made.sent) == 50


async def test_those_who_wait_fail_as_the_first_did_and_do_not_all_try(shop) -> None:
    made, gate = shop(), asyncio.Event()

    async def broken(_):
        await gate.wait()
        raise UpstreamBroken("it closed the connection")

    made.will_answer(broken)
    crowd = [asyncio.ensure_future(made.ask()) for _ in range(20)]
    await made.waiting.wait()
    gate.set()
    assert {each.answer.status for each in await asyncio.gather(*crowd)} == {502}
    assert len(made.sent) == 1


async def test_nobody_waits_longer_than_the_policy_says(shop) -> None:
    made, gate = shop(wait="1ms"), asyncio.Event()

    async def late(_):
        await gate.wait()
        return answered(**FRESH)

    made.will_answer(late)
    first = asyncio.ensure_future(made.ask())
    await made.waiting.wait()
    assert (await made.ask()).answer.status == 200
    gate.set()
    await first
    assert len(made.sent) == 2


async def test_stale_is_given_while_it_is_asked_after_once(shop) -> None:
    made = shop()
    made.will_answer(answered(body=b"old", etag='"1"', cache_control="max-age=10, stale-while-revalidate=30"))
    await made.ask()
    made.clock.advance(20)
    made.will_answer(answered(body=b"new", **FRESH))
    stale = [await made.ask() for _ in range(3)]
    assert {(status_of(each), each.answer.body.data) for each in stale} == {("hit; ttl=-10", b"old")}
    await made.scope.tasks.done()
    assert made.sent[-1].request.headers["if-none-match"] == '"1"'
    assert (await made.ask()).answer.body.data == b"new"
    assert len(made.sent) == 2


async def test_what_one_client_has_is_no_condition_of_what_is_asked_after_for_all(shop) -> None:
    made = shop()
    made.will_answer(answered(body=b"old", cache_control="max-age=10, stale-while-revalidate=30"))
    await made.ask()
    made.clock.advance(20)
    assert await made.told(if_none_match='"of the client"') == "hit; ttl=-10"
    await made.scope.tasks.done()
    assert "if-none-match" not in made.sent[-1].request.headers


# as it will run


async def test_a_thousand_over_sockets_ask_the_upstream_once_and_a_stream_is_kept_whole() -> None:
    async with (
        backend() as origin,
        running_gateway(origin.url, filters=[{"cache": {"partition": "none", "wait": "10m"}}]) as client,
    ):
        gate = asyncio.Event()
        origin.will_answer(body=b"y" * 100_000, headers={"cache-control": "max-age=60"}, after=gate)

        async def one():
            reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
            writer.write(b"GET /v1/prices HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n")
            return writer, await reader.read()

        crowd = [asyncio.ensure_future(one()) for _ in range(1_000)]
        await origin.asked()
        gate.set()
        got = await asyncio.gather(*crowd)
        for writer, _ in got:
            writer.close()
        assert {answer.partition(b"\r\n\r\n")[2] for _, answer in got} == {b"y" * 100_000}
        assert len(origin.seen) == 1


async def test_check_refuses_a_cache_without_a_principal_above_it_and_above_clear_text() -> None:
    with pytest.raises(Exception, match="needs Principal"):
        async with running_gateway("http://127.0.0.1:1", filters=["cache"]):
            pass
    decrypts = {"encrypt": {"fields": ["/card"], "response": "decrypt"}}
    with pytest.raises(Exception, match="must stand below encrypt"):
        async with running_gateway("http://127.0.0.1:1", filters=[{"cache": {"partition": "none"}}, decrypts]):
            pass
