from __future__ import annotations

import asyncio

import orjson
import pytest

from gateway import DependencyDown, Rejected, Response, UpstreamBroken
from gateway.errors import UpstreamTimeout
from gateway.exchange import Delivery
from gateway.testing import backend, running_gateway, streaming
from tests.plugins.cache.conftest import answered, status_of

FRESH = {"cache_control": "max-age=60"}
STALE_IF_ERROR = {"cache_control": "max-age=10, stale-if-error=60"}

# options, the answer's fields, the request's; why it is not kept, or nothing where it is

KEPT = [
    ({}, FRESH, {}, ""),
    ({}, {"cache_control": "s-maxage=9, max-age=0"}, {}, ""),
    ({}, {}, {}, "no-freshness"),
    ({"ttl": "5s"}, {}, {}, ""),
    ({"ttl": "5s"}, {"cache_control": "no-store"}, {}, "no-store"),
    ({}, {"cache_control": "no-store, max-age=60"}, {}, "no-store"),
    ({}, {"cache_control": "private, max-age=60"}, {}, "private"),
    ({"partition": "principal"}, {"cache_control": "private, max-age=60"}, {}, "private"),
    ({"partition": "principal", "keep_private": True}, {"cache_control": "private, max-age=60"}, {}, ""),
    ({"partition": "principal", "keep_private": True}, FRESH, {"authorization": "Bearer x"}, ""),
    ({}, FRESH, {"authorization": "Bearer x"}, "authorization"),
    ({}, {"cache_control": "public, max-age=60"}, {"authorization": "Bearer x"}, ""),
    ({}, {"cache_control": "must-revalidate, max-age=60"}, {"authorization": "Bearer x"}, ""),
    ({}, {"cache_control": "s-maxage=60"}, {"authorization": "Bearer x"}, ""),
    ({}, FRESH, {"cache_control": "no-store"}, "request-no-store"),
    ({}, {**FRESH, "set_cookie": "session=1"}, {}, "set-cookie"),
    ({}, {**FRESH, "vary": "*"}, {}, "vary"),
    ({"largest": 1}, FRESH, {}, "too-large"),
    ({}, {**FRESH, "content_type": "text/event-stream"}, {}, "event-stream"),
    ({"longest": "0s"}, FRESH, {}, "no-freshness"),
]


@pytest.mark.parametrize(("options", "fields", "asked", "why"), KEPT)
async def test_an_answer_is_kept_where_it_may_be_and_else_says_why_not(shop, options, fields, asked, why) -> None:
    made = shop(**options)
    made.will_answer(answered(**fields), answered(b"other"))
    first = await made.told(by="ada", **asked)
    await made.told(by="ada", **asked)
    assert first == ("fwd=miss; stored" if not why else f"fwd=miss; detail={why}")
    assert len(made.sent) == (2 if why else 1)


# validators


async def test_what_went_stale_is_asked_after_and_is_fresh_again_with_what_the_304_says(shop) -> None:
    made = shop()
    made.will_answer(answered(body=b"kept", etag='"1"', last_modified=made.date(-100), x_made="first", **FRESH))
    await made.ask()
    made.clock.advance(70)
    made.will_answer(Response(304, headers=answered(cache_control="max-age=5", x_made="second").headers))
    again = await made.ask()
    sent = made.sent[-1].request.headers
    assert (sent["if-none-match"], sent["if-modified-since"]) == ('"1"', made.date(-170))
    assert (again.answer.status, again.answer.body.data) == (200, b"kept")
    assert again.answer.headers["x-made"] == "second"
    assert status_of(again) == "fwd=stale; fwd-status=304; stored"
    assert (await made.told()) in ("hit; ttl=5", "hit; ttl=4")  # a Date has whole seconds


async def test_a_client_that_has_it_is_told_so_from_here_and_its_condition_never_replaces_ours(shop) -> None:
    made = shop()
    made.will_answer(answered(etag='"1"', content_type="text/plain", **FRESH))
    await made.ask()
    has = await made.ask(if_none_match='W/"1", "0"')
    assert (has.answer.status, has.answer.body.data) == (304, b"")
    assert "content-type" not in has.answer.headers
    made.clock.advance(70)
    made.will_answer(answered(304, b"", etag='"1"'))
    assert (await made.ask(if_none_match='"other"')).answer.status == 200
    assert made.sent[-1].request.headers["if-none-match"] == '"1"'


async def test_a_condition_for_which_nothing_is_kept_is_the_clients_own(shop) -> None:
    made = shop()
    made.will_answer(answered(304, b"", etag='"7"', **FRESH))
    assert (await made.ask(if_none_match='"7"')).answer.status == 304
    assert made.sent[-1].request.headers["if-none-match"] == '"7"'
    assert not len(made.cache.memory)


async def test_a_304_about_another_answer_is_not_believed_and_all_of_it_is_asked_for(shop) -> None:
    made = shop()
    made.will_answer(answered(body=b"old", etag='"1"', **FRESH))
    await made.ask()
    made.clock.advance(70)
    made.will_answer(answered(304, b"", etag='"2"'), answered(body=b"new", etag='"2"', **FRESH))
    assert (await made.ask()).answer.body.data == b"new"
    assert "if-none-match" not in made.sent[-1].request.headers
    assert (await made.ask()).answer.body.data == b"new"
    assert len(made.sent) == 3


async def test_a_304_that_forbids_to_keep_it_is_the_last_word(shop) -> None:
    made = shop()
    made.will_answer(answered(body=b"kept", etag='"1"', **FRESH))
    await made.ask()
    made.clock.advance(70)
    made.will_answer(answered(304, b"", etag='"1"', cache_control="no-store"))
    assert (await made.ask()).answer.body.data == b"kept"
    assert not len(made.cache.memory)


async def test_a_newer_answer_that_may_not_be_kept_takes_the_older_one_away(shop) -> None:
    made = shop()
    made.will_answer(answered(etag='"1"', **FRESH), answered(404, b"{}", cache_control="no-store"))
    await made.ask()
    assert (await made.ask(cache_control="no-cache")).answer.status == 404
    assert not len(made.cache.memory)


# degradation

FAILURES = [
    (UpstreamBroken("closed"), True),
    (UpstreamTimeout("late"), True),
    (DependencyDown("the circuit is open"), True),
    (answered(503), True),
    (answered(500), True),
    (Rejected("by a filter below"), False),
    (RuntimeError("a bug of a filter below"), False),
    (answered(404), False),
]


@pytest.mark.parametrize(("failure", "stale"), FAILURES)
async def test_what_is_kept_is_given_where_the_upstream_fails_and_says_so(shop, failure, stale) -> None:
    made = shop()
    made.will_answer(answered(body=b"kept", **STALE_IF_ERROR))
    await made.ask()
    made.clock.advance(30)
    made.will_answer(failure)
    got = await made.ask()
    assert (got.answer.body.data == b"kept") is stale
    assert ("detail=stale-if-error" in status_of(got)) is stale
    if stale:
        assert got.error is None
        assert got.answer.headers["age"] == "30"
        assert "warning" not in got.answer.headers


@pytest.mark.parametrize("forbids", ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=10"])
async def test_nothing_stale_is_given_where_the_answer_forbids_it_or_it_is_too_old(shop, forbids) -> None:
    made = shop(stale_if_error="1h", stale_while_revalidate="1h")
    made.will_answer(answered(etag='"1"', cache_control=f"max-age=10, stale-if-error=3600, {forbids}"))
    await made.ask()
    made.clock.advance(30)
    made.will_answer(UpstreamBroken("closed"))
    assert (await made.ask()).answer.status == 502
    too_old = shop()
    too_old.will_answer(answered(**STALE_IF_ERROR))
    await too_old.ask("/other")
    too_old.clock.advance(80)
    too_old.will_answer(UpstreamBroken("closed"))
    assert (await too_old.ask("/other")).answer.status == 502


async def test_while_the_breaker_is_open_what_is_kept_is_given_and_the_backend_is_left_alone() -> None:
    breaker = {"circuit_breaker": {"minimum_calls": 2, "window": "1m", "open_for": "1h"}}
    async with backend() as origin:
        policy = {
            "version": 1,
            "upstreams": {"backend": {"url": origin.url, "guards": [breaker]}},
            "routes": [
                {
                    "name": "prices",
                    "match": {"prefix": "/"},
                    "upstream": "backend",
                    "filters": [{"cache": {"partition": "none", "stale_if_error": "1h"}}],
                }
            ],
        }
        async with running_gateway(policy=orjson.dumps(policy).decode()) as client:
            origin.will_answer(json={"price": 1}, headers={"cache-control": "max-age=0"})
            for _ in range(8):
                origin.will_answer(503, json={})
            got = [await client.get("/v1/prices") for _ in range(9)]
            assert {(each.status_code, each.content) for each in got} == {(200, b'{"price":1}')}
            assert "detail=stale-if-error" in got[-1].headers["cache-status"]
            assert len(origin.seen) < 9


async def test_those_who_wait_for_a_request_that_fails_get_what_is_kept(shop) -> None:
    made, gate = shop(), asyncio.Event()
    made.will_answer(answered(body=b"kept", **STALE_IF_ERROR))
    await made.ask()
    made.clock.advance(30)
    made.waiting.clear()

    async def broken(_):
        await gate.wait()
        raise UpstreamBroken("closed")

    made.will_answer(broken)
    crowd = [asyncio.ensure_future(made.ask()) for _ in range(10)]
    await made.waiting.wait()
    gate.set()
    assert {each.answer.body.data for each in await asyncio.gather(*crowd)} == {b"kept"}
    assert len(made.sent) == 2


# unsafe requests

CHANGES = [
    (answered(200), True),
    (answered(303, location="/v1/invoices/7"), True),
    (answered(400), False),
    (UpstreamBroken("unsent"), False),
]


@pytest.mark.parametrize(("answer", "gone"), CHANGES)
async def test_what_an_unsafe_request_changed_is_let_go_for_everybody(shop, answer, gone) -> None:
    made = shop(partition="principal")
    made.will_answer(answered(**FRESH), answered(**FRESH), answer)
    await made.ask(by="ada")
    await made.ask(by="bob")
    made.clock.advance(1)
    await made.ask(method="PUT", by="ada")
    assert len(made.cache.memory) == (0 if gone else 2)


async def test_of_one_whose_outcome_nobody_knows_it_is_supposed_that_it_changed_it(shop) -> None:
    made = shop()
    made.will_answer(answered(**FRESH))
    await made.ask()
    made.clock.advance(1)

    async def lost(asked):
        asked.delivery = Delivery.UNKNOWN
        raise UpstreamBroken("after it was sent")

    made.will_answer(lost)
    await made.ask(method="DELETE")
    assert not len(made.cache.memory)


async def test_targets_that_the_answer_names_are_let_go_too(shop) -> None:
    made = shop()
    made.will_answer(*[answered(**FRESH)] * 3)
    for target in ("/v1/invoices/8", "/v1/invoices", "/v1/other"):
        await made.ask(target)
    made.clock.advance(1)
    made.will_answer(answered(201, location="/v1/invoices/8", content_location="http://shop.example/v1/invoices"))
    await made.ask("/v1/payments", "POST")
    assert [entry.uri for entry in made.cache.memory] == ["http://shop.example/v1/other"]


async def test_what_was_asked_for_before_a_write_is_not_kept_after_it(shop) -> None:
    made, gate = shop(), asyncio.Event()

    async def slow(_):
        await gate.wait()
        return answered(body=b"as it was", **FRESH)

    made.will_answer(slow, answered(200))
    reading = asyncio.ensure_future(made.ask())
    await made.waiting.wait()
    await made.ask(method="PUT")
    gate.set()
    assert status_of(await reading) == "fwd=miss"
    assert not len(made.cache.memory)


# bodies that stream


async def test_a_body_passes_as_it_comes_and_is_kept_once_it_is_whole(shop) -> None:
    made = shop()
    made.will_answer(Response(200, headers=answered(**FRESH).headers, body=streaming(b"ab", b"cd")))
    first = await made.ask()
    assert not len(made.cache.memory)
    assert await first.answer.body.buffer(100) == b"abcd"
    assert (await made.ask()).answer.body.data == b"abcd"


async def test_one_that_grows_too_large_passes_whole_and_is_not_kept(shop) -> None:
    made = shop(largest=3)
    made.will_answer(Response(200, headers=answered(**FRESH).headers, body=streaming(b"ab", b"cd", b"ef")))
    first = await made.ask()
    assert await first.answer.body.buffer(100) == b"abcdef"
    assert not len(made.cache.memory)
    assert [note.code for note in first.notes] == ["cache_miss", "cache_too_large"]


async def test_one_that_breaks_off_is_not_kept() -> None:
    async def breaks(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 10\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(breaks, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, running_gateway(url, filters=[{"cache": {"partition": "none"}}]) as client:
        for _ in range(2):
            with pytest.raises(Exception, match="peer closed connection"):
                await client.get("/v1/prices")
            assert "cache_miss" in [note.code for note in (await client.ended()).notes]


async def test_refreshing_runs_through_the_filters_below_and_on_real_sockets() -> None:
    options = {"partition": "none", "stale_while_revalidate": "1m"}
    async with backend() as origin, running_gateway(origin.url, filters=[{"cache": options}, "sanitise"]) as client:
        origin.will_answer(json={"n": 1}, headers={"cache-control": "max-age=0"})
        origin.will_answer(json={"n": 2}, headers={"cache-control": "max-age=60"})
        await client.get("/v1/prices")
        await origin.asked()
        assert (await client.get("/v1/prices")).json() == {"n": 1}
        await origin.asked()
        while (answer := await client.get("/v1/prices")).json() != {"n": 2}:
            assert answer.json() == {"n": 1}
        assert len(origin.seen) == 2
