"""Exchanges as clients and upstreams see them, over real sockets."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from ipaddress import ip_network

import orjson
import pytest
from starlette.datastructures import MutableHeaders as Headers

from gateway.dataplane.chain import STOPPING, Chain
from gateway.dataplane.router import Match
from gateway.dataplane.snapshot import Route
from gateway.errors import Rejected
from gateway.exchange import Delivery, Reads
from gateway.messages import Response
from gateway.trace import continue_or_begin
from tests.gateway.dataplane.harness import (
    OK,
    TIMEOUTS,
    answering,
    filter_of,
    gateway,
    raw_upstream,
    then_closes,
    until,
)

HOST = b"host: shop.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 2\r\n\r\nok"
LOOPBACK = [ip_network("127.0.0.0/8")]


def get(*headers: bytes, target=b"/", method=b"GET") -> bytes:
    return b"%b %b HTTP/1.1\r\n%b%b\r\n" % (method, target, HOST, b"".join(line + b"\r\n" for line in headers))


# what passes


@pytest.mark.parametrize("target", [b"/a%20b/%C3%BC?x=%2F&y", b"/?", b"/a?", b"/a?b?c", b"/%7Ea%3Bb=c", b"/a?//../%00"])
async def test_a_target_is_forwarded_byte_for_byte(target) -> None:
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        assert (await gate.ask(get(target=target))).status == 200
        assert (await gate.exchange()).received.target == target
    assert upstream.requests[0].target.encode() == target


async def test_headers_keep_their_order_and_their_repetitions() -> None:
    sent = [b"z: 1", b"a: 2", b"Z: 3", b"cookie: a=b", b"m: ", b"cookie: c=d"]
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        await gate.ask(get(*sent))
    assert upstream.requests[0].headers[: len(sent) + 1] == [
        ("host", "shop.example"),
        ("z", "1"),
        ("a", "2"),
        ("z", "3"),
        ("cookie", "a=b"),
        ("m", ""),
        ("cookie", "c=d"),
    ]


async def test_the_headers_of_an_answer_keep_their_order_and_their_repetitions() -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nx: 1\r\nset-cookie: b=2\r\nset-cookie: a=1\r\ncontent-length: 0\r\n\r\n"
    )
    async with raw_upstream(answering(answer)) as upstream, gateway(upstream) as gate:
        got = await gate.ask(GET)
    assert got.headers[:4] == [("set-cookie", "a=1"), ("x", "1"), ("set-cookie", "b=2"), ("set-cookie", "a=1")]
    assert [name for name, _ in got.headers[4:]] == ["x-request-id", "content-length"]


async def test_what_is_for_one_hop_stays_there_in_both_directions() -> None:
    sent = [
        b"connection: x-secret, keep-alive",
        b"x-secret: 1",
        b"keep-alive: timeout=5",
        b"te: trailers",
        b"proxy-authorization: Basic eA==",
        b"proxy-connection: keep-alive",
        b"http2-settings: AAMAAABk",
        b"x-kept: 1",
    ]
    answer = (
        b"HTTP/1.1 200 OK\r\nconnection: x-inner\r\nx-inner: 1\r\nkeep-alive: timeout=5\r\n"
        b"proxy-authenticate: Basic\r\nupgrade: h2c\r\ntrailer: x\r\nx-kept: 1\r\ncontent-length: 0\r\n\r\n"
    )
    async with raw_upstream(answering(answer)) as upstream, gateway(upstream) as gate:
        got = await gate.ask(get(*sent))
    names = {name for name, _ in upstream.requests[0].headers}
    assert names == {
        "host", "x-kept", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "traceparent", "x-request-id"
    }  # fmt: skip
    assert {name for name, _ in got.headers} == {"x-kept", "x-request-id", "content-length"}


@pytest.mark.parametrize(
    ("head", "status", "length"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n", 200, "1234"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", 200, None),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, None),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 1234\r\n\r\n", 304, None),
    ],
    ids=["length", "chunked", "204", "304"],
)
async def test_an_answer_to_head_has_no_body(head, status, length) -> None:
    async with raw_upstream(answering(head), answering(head)) as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        for _ in range(2):
            answer = await client.ask(get(method=b"HEAD"), to="HEAD")
            assert (answer.status, answer.get("content-length")) == (status, length)
            assert answer.get("transfer-encoding") is None
        assert (await client.ask(GET)).body == b"ok"


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\nEtag: 1\r\ncontent-length: 9\r\n\r\n"],
    ids=["204", "304"],
)
async def test_statuses_without_a_body_have_none(head) -> None:
    async with raw_upstream(answering(head)) as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        answer = await client.ask(GET)
        assert answer.get("transfer-encoding") is answer.get("content-length") is None
        assert (await client.ask(GET)).body == b"ok"


async def test_an_answer_of_unknown_length_is_chunked_as_it_comes() -> None:
    more = asyncio.Event()
    pieces = answering(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n", more, b"3\r\ntwo\r\n0\r\n\r\n"
    )
    async with raw_upstream(pieces) as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(GET)
        head = await client.head()
        assert b"transfer-encoding: chunked" in head
        chunks = client.chunks()
        assert await anext(chunks) == b"one"
        more.set()
        assert [chunk async for chunk in chunks] == [b"two"]
        assert (await client.ask(GET)).body == b"ok"


async def test_a_date_is_added_where_the_upstream_says_none() -> None:
    dated = answering(b"HTTP/1.1 200 OK\r\ndate: theirs\r\ncontent-length: 0\r\n\r\n")
    async with raw_upstream(OK, dated) as upstream, gateway(upstream, default_headers=[(b"date", b"ours")]) as gate:
        assert [(await gate.ask(GET)).get("date") for _ in range(2)] == ["ours", "theirs"]


# what filters do


async def test_a_line_break_that_a_filter_puts_into_an_answer_makes_a_500(caplog) -> None:
    async def inject(exchange) -> None:
        exchange.answer.headers["x-name"] = "a\r\nset-cookie: stolen=1"

    async with raw_upstream() as upstream, gateway(upstream, filters=[filter_of(on_response=inject)]) as gate:
        answer = await gate.ask(GET)
        exchange = await gate.exchange()
    assert (answer.status, orjson.loads(answer.body)["code"]) == (500, "internal_error")
    assert answer.get("set-cookie") is None
    assert exchange.error is not None
    assert exchange.error.code == "internal_error"
    assert "line break" in caplog.text


async def test_a_line_break_that_a_filter_puts_into_a_request_is_never_sent(caplog) -> None:
    async def inject(exchange) -> None:
        exchange.request.headers["x-name"] = "a\r\nx-admin: 1"

    async with raw_upstream() as upstream, gateway(upstream, filters=[filter_of(on_request=inject)]) as gate:
        assert (await gate.ask(GET)).status == 500
        assert (await gate.exchange()).delivery is Delivery.UNSENT
    assert not upstream.requests
    assert caplog.records


@pytest.mark.parametrize("header", ["content-length", "transfer-encoding"])
async def test_a_filter_cannot_frame_a_message_by_itself(header, caplog) -> None:
    async def frame(exchange) -> None:
        exchange.request.headers[header] = "5" if header == "content-length" else "chunked"

    async def answer(exchange) -> Response:
        return Response(200, headers=Headers({header: "5"}), body=b"hello")

    async with raw_upstream() as upstream, gateway(upstream, filters=[filter_of(on_request=frame)]) as gate:
        assert (await gate.ask(POST)).status == 500
    assert not upstream.requests
    async with gateway(filters=[filter_of(on_request=answer)]) as gate:
        assert (await gate.ask(POST)).status == 500
    assert caplog.records


@pytest.mark.parametrize("name", [b"Content-Length", b"Transfer-Encoding", b"a b", b""])
async def test_nor_by_a_name_that_it_writes_in_its_own_way(name, caplog) -> None:
    async def ask(exchange) -> None:
        exchange.request.headers.raw.append((name, b"chunked"))

    async def answer(exchange) -> None:
        exchange.answer.headers.raw.append((name, b"5"))

    async with raw_upstream() as upstream, gateway(upstream, filters=[filter_of(on_request=ask)]) as gate:
        assert (await gate.ask(POST)).status == 500
    assert not upstream.requests
    async with raw_upstream() as upstream, gateway(upstream, filters=[filter_of(on_response=answer)]) as gate:
        assert (await gate.ask(POST)).status == 500
    assert caplog.records


async def test_what_is_for_one_hop_a_filter_cannot_add_and_no_second_request_id() -> None:
    async def add(exchange) -> None:
        headers = (exchange.response or exchange.request).headers
        headers.update({"connection": "x-a", "keep-alive": "timeout=5", "upgrade": "h2c", "te": "trailers", "x-a": "1"})
        if exchange.response is not None:
            headers["x-request-id"] = "mine"

    step = filter_of(on_request=add, on_response=add)
    async with raw_upstream() as upstream, gateway(upstream, filters=[step]) as gate:
        answer = await gate.ask(GET)
    for message in (upstream.requests[0], answer):
        assert {name for name, _ in message.headers}.isdisjoint({"connection", "keep-alive", "upgrade", "te"})
        assert message.get("x-a") == "1"
    assert answer.get("x-request-id") == upstream.requests[0].get("x-request-id")


@pytest.mark.parametrize("status", [204, 304])
async def test_a_body_that_a_filter_gives_to_a_status_without_one_makes_a_500(status, caplog) -> None:
    async def answer(exchange) -> Response:
        return Response(status, body=b"body")

    async with gateway(filters=[filter_of(on_request=answer)]) as gate:
        client = await gate.connect()
        assert [(await client.ask(GET)).status for _ in range(2)] == [500, 500]
    assert caplog.records


async def test_an_edited_body_gets_its_new_length() -> None:
    async def edit(exchange) -> None:
        exchange.request.edit("/amount", 12345)

    async def edit_answer(exchange) -> None:
        exchange.answer.edit("/id", "other")

    step = filter_of(on_request=edit, on_response=edit_answer, reads=Reads.REQUEST | Reads.RESPONSE)
    answer = b'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{"id":1}'
    async with raw_upstream(answering(answer)) as upstream, gateway(upstream, filters=[step]) as gate:
        got = await gate.ask(b"POST / HTTP/1.1\r\n" + HOST + b'content-length: 12\r\n\r\n{"amount":1}')
    assert (got.body, got.get("content-length")) == (b'{"id":"other"}', "14")
    assert upstream.requests[0].body == b'{"amount":12345}'
    assert upstream.requests[0].get("content-length") == "16"


async def test_a_refusal_is_a_problem_on_a_connection_that_stays() -> None:
    async def refuse(exchange) -> None:
        raise Rejected("not today", headers={"retry-after": "7"}, reason="closed")

    async with gateway(filters=[filter_of(on_request=refuse)]) as gate:
        client = await gate.connect()
        answer = await client.ask(POST)
        problem = orjson.loads(answer.body)
        assert (answer.status, answer.get("retry-after"), answer.get("cache-control")) == (403, "7", "no-store")
        assert problem == {
            "type": "urn:payguard:problem:rejected",
            "title": "Forbidden",
            "status": 403,
            "code": "rejected",
            "request_id": answer.get("x-request-id"),
            "detail": "not today",
            "reason": "closed",
        }
        assert (await client.ask(GET)).status == 403


async def test_an_early_refusal_closes_the_connection_on_which_a_body_still_comes() -> None:
    async def refuse(exchange) -> None:
        raise Rejected

    async with gateway(filters=[filter_of(on_request=refuse)]) as gate:
        client = await gate.connect()
        answer = await client.ask(b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 20\r\n\r\n" + GET[:10])
        assert (answer.status, answer.get("connection")) == (403, "close")
        await client.send(GET)  # the rest of the body, which looks like a request
        assert await client.rest() == b""


# routes


async def test_no_route_is_a_404_and_an_ambiguous_path_a_400() -> None:
    async with raw_upstream() as upstream, gateway(upstream, match=Match(prefix="/v1")) as gate:
        client = await gate.connect()
        assert (await client.ask(get(target=b"/v2"))).status == 404
        answer = await client.ask(get(target=b"/v2/%2e%2e/v1"))
        assert (answer.status, orjson.loads(answer.body)["code"]) == (400, "ambiguous_path")
        assert (await client.ask(get(target=b"/v1/a"))).status == 200
    assert [request.target for request in upstream.requests] == ["/v1/a"]


@pytest.mark.parametrize("host", [b"shop.example", b"SHOP.example:8080", b"shop.example."])
async def test_a_route_is_found_by_its_host(host) -> None:
    def routes(upstream):
        return [Route("shop", Match(host="shop.example"), Chain([], upstream))]

    async with raw_upstream() as upstream, gateway(upstream, routes=routes) as gate:
        assert (await gate.ask(b"GET / HTTP/1.1\r\nhost: %b\r\n\r\n" % host)).status == 200
        assert (await gate.exchange()).route == "shop"
    assert upstream.requests[0].get("host") == host.decode()


async def test_a_route_is_found_by_an_ipv6_host() -> None:
    def routes(upstream):
        return [Route("six", Match(host="[::1]"), Chain([], upstream))]

    async with raw_upstream() as upstream, gateway(upstream, routes=routes) as gate:
        for host in (b"[::1]", b"[::1]:80"):
            assert (await gate.ask(b"GET / HTTP/1.1\r\nhost: %b\r\n\r\n" % host)).status == 200


# where a request comes from


CLAIMS = (
    b"x-forwarded-for: 203.0.113.7",
    b"x-forwarded-proto: https",
    b"forwarded: for=1.2.3.4",
    b"x-real-ip: 5.6.7.8",
)


async def test_forwarding_headers_of_anybody_are_replaced_also_on_loopback() -> None:
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        await gate.ask(get(*CLAIMS))
        received = (await gate.exchange()).received
    [request] = upstream.requests
    assert (received.client, received.peer, received.trusted) == ("127.0.0.1", "127.0.0.1", False)
    assert request.get("x-forwarded-for") == "127.0.0.1"
    assert request.get("x-forwarded-proto") == "http"
    assert request.get("x-forwarded-host") == "shop.example"
    assert request.get("forwarded") is request.get("x-real-ip") is None


async def test_forwarding_headers_of_a_trusted_proxy_are_continued() -> None:
    async with raw_upstream() as upstream, gateway(upstream, trusted=LOOPBACK) as gate:
        await gate.ask(get(*CLAIMS))
        received = (await gate.exchange()).received
    [request] = upstream.requests
    assert (received.client, received.peer, received.trusted) == ("203.0.113.7", "127.0.0.1", True)
    assert request.get("x-forwarded-for") == "203.0.113.7, 127.0.0.1"
    assert request.get("x-forwarded-proto") == "https"


# ids


async def test_every_answer_carries_the_id_that_the_upstream_saw() -> None:
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        ids = [(await gate.ask(get(b"x-request-id: mine"))).get("x-request-id") for _ in range(3)]
        assert [(await gate.exchange()).id for _ in range(3)] == ids
    assert [request.get("x-request-id") for request in upstream.requests] == ids
    assert len(set(ids)) == 3
    assert "mine" not in ids


async def test_the_upstreams_own_request_id_does_not_replace_it() -> None:
    theirs = b"HTTP/1.1 200 OK\r\nx-request-id: theirs\r\ncontent-length: 0\r\n\r\n"
    async with raw_upstream(theirs) as upstream, gateway(upstream) as gate:
        assert (await gate.ask(GET)).get("x-request-id") != "theirs"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b"req-1", True),
        (b"a" * 128, True),
        (b"a" * 129, False),
        (b"a b", False),
        (b"4111111111111111", False),
        (b"id:4111-1111-1111-1111", False),
        (b'a"b', False),
        (b"\xe9", False),
        (b"", False),
    ],
)
async def test_a_trusted_proxys_request_id_is_kept_where_it_is_a_plain_one(given, kept) -> None:
    async with raw_upstream() as upstream, gateway(upstream, trusted=LOOPBACK) as gate:
        answer = await gate.ask(get(b"x-request-id: " + given))
    assert (answer.get("x-request-id") == given.decode("latin-1")) is kept


async def test_a_traceparent_is_continued() -> None:
    sent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        await gate.ask(get(b"traceparent: " + sent, b"tracestate: a=b"))
        exchange = await gate.exchange()
    passed = upstream.requests[0].get("traceparent")
    assert passed == exchange.trace.traceparent.decode()
    assert re.fullmatch(r"00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01", passed)
    assert exchange.trace.parent_id == "00f067aa0ba902b7"
    assert upstream.requests[0].get("tracestate") == "a=b"


async def test_a_malformed_traceparent_begins_a_new_trace() -> None:
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        await gate.ask(get(b"traceparent: 00-zz-00f067aa0ba902b7-01"))
    begun = continue_or_begin(upstream.requests[0].get("traceparent").encode(), 0)
    assert begun.parent_id is not None


# a client that goes away: DESIGN §3.8


async def gone(gate, client) -> None:
    """Close, and wait until the gateway knows."""
    client.reset()
    await until(lambda: not gate.clients.connections)


@pytest.mark.parametrize("request_", [GET, POST], ids=["safe", "unsafe"])
async def test_what_was_not_sent_is_cancelled(request_) -> None:
    reached = asyncio.Event()

    async def wait(exchange) -> None:
        reached.set()
        await asyncio.Event().wait()

    async with raw_upstream() as upstream, gateway(upstream, filters=[filter_of(on_request=wait)]) as gate:
        client = await gate.connect()
        await client.send(request_)
        await reached.wait()
        await gone(gate, client)
        exchange = await gate.exchange()
        assert gate.snapshot.in_flight == gate.app.in_flight == 0
    assert exchange.delivery is Delivery.UNSENT
    assert exchange.error.code == "client_gone"
    assert [step.decision for step in exchange.steps] == ["cancelled"]
    assert not upstream.peers


async def test_what_a_filter_puts_into_a_problem_is_masked_and_an_answer_is_not() -> None:
    async def refuse(exchange) -> None:
        if exchange.request.method == "POST":
            raise Rejected("no 4242424242424242", card="4242424242424242")

    def mask(body: bytes) -> bytes:
        return body.replace(b"4242424242424242", b"[card]")

    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n4242424242424242"
    async with (
        raw_upstream(answer) as upstream,
        gateway(upstream, filters=[filter_of(on_request=refuse)], mask=mask) as gate,
    ):
        problem = json.loads((await gate.ask(POST)).body)
        assert (problem["detail"], problem["card"]) == ("no [card]", "[card]")
        assert (await gate.ask(GET)).body == b"4242424242424242"


async def test_what_is_cut_off_at_the_drain_deadline_is_not_the_clients_doing() -> None:
    async with raw_upstream(answering(asyncio.Event())) as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(POST)
        await upstream.connected()
        for task in tuple(gate.state.tasks):
            task.cancel(STOPPING)
        exchange = await gate.exchange()
    assert (exchange.error.code, exchange.delivery) == ("gateway_stopped", Delivery.UNKNOWN)


async def test_what_filters_do_about_an_unsafe_request_that_was_not_sent_is_not_cut_short() -> None:
    freeing, freed = asyncio.Event(), []

    async def refuse(exchange) -> None:
        raise Rejected

    async def free(exchange) -> None:
        freeing.set()
        await until(lambda: not gate.clients.connections)
        freed.append(exchange.delivery)

    async with (
        raw_upstream() as upstream,
        gateway(upstream, filters=[filter_of(on_response=free), filter_of(on_request=refuse)]) as gate,
    ):
        client = await gate.connect()
        await client.send(POST)
        await freeing.wait()
        await gone(gate, client)
        await gate.exchange()
    assert freed == [Delivery.UNSENT]


async def test_an_unsafe_request_that_was_sent_is_followed_to_its_end() -> None:
    answer, seen = asyncio.Event(), []

    async def see(exchange) -> None:
        seen.append((exchange.answer.status, exchange.delivery))

    async with (
        raw_upstream(answering(answer, b"HTTP/1.1 201 Created\r\ncontent-length: 4\r\n\r\npaid")) as upstream,
        gateway(upstream, filters=[filter_of(on_response=see)]) as gate,
    ):
        client = await gate.connect()
        await client.send(POST)
        await upstream.connected()
        await until(lambda: gate.pool.stats()["open"])
        await gone(gate, client)
        answer.set()
        exchange = await gate.exchange()
    assert (exchange.delivery, exchange.error, exchange.answer.status) == (Delivery.ANSWERED, None, 201)
    assert [note.code for note in exchange.notes] == ["client_gone"]
    assert seen == [(201, Delivery.ANSWERED)]
    assert upstream.requests[0].body == b"ok"


async def test_an_unsafe_request_is_followed_within_total_only() -> None:
    async with (
        raw_upstream(answering(asyncio.Event())) as upstream,
        gateway(upstream, timeouts=replace(TIMEOUTS, total=0.2)) as gate,
    ):
        client = await gate.connect()
        await client.send(POST)
        await upstream.connected()
        await gone(gate, client)
        exchange = await gate.exchange()
    assert exchange.delivery is Delivery.UNKNOWN
    assert exchange.error.code == "upstream_total_timeout"


async def test_a_safe_request_that_was_sent_is_dropped_with_its_connection() -> None:
    async with raw_upstream(answering(asyncio.Event())) as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(GET)
        peer = await upstream.connected()
        await gone(gate, client)
        exchange = await gate.exchange()
        await until(peer.reader.at_eof)
        assert gate.pool.stats()["open"] == 0
    assert exchange.delivery is Delivery.UNKNOWN
    assert exchange.error.code == "client_gone"


STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n"


async def test_a_safe_answer_that_streams_is_dropped() -> None:
    async with raw_upstream(answering(STREAM, asyncio.Event())) as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(GET)
        await client.head()
        peer = upstream.peers[0]
        await gone(gate, client)
        exchange = await gate.exchange()
        await until(peer.reader.at_eof)
    assert exchange.delivery is Delivery.UNKNOWN
    assert exchange.error.code == "client_gone"
    assert exchange.answer.status == 200


async def test_an_unsafe_answer_that_streams_is_read_to_its_end() -> None:
    more = asyncio.Event()
    async with raw_upstream(answering(STREAM, more, b"3\r\ntwo\r\n0\r\n\r\n")) as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(POST)
        await client.head()
        await gone(gate, client)
        more.set()
        exchange = await gate.exchange()
        assert gate.pool.stats()["idle"] == 1
    assert (exchange.delivery, exchange.error, exchange.bytes_out) == (Delivery.ANSWERED, None, 6)


async def test_an_upload_that_breaks_off_leaves_the_delivery_unknown() -> None:
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 1000\r\n\r\npart")
        peer = await upstream.connected()
        await gone(gate, client)
        exchange = await gate.exchange()
        await until(peer.writer.is_closing)
    assert exchange.delivery is Delivery.UNKNOWN
    assert exchange.error.code == "client_broke_off"
    assert not upstream.requests


async def test_an_upload_that_breaks_off_before_a_reader_has_it_was_not_sent() -> None:
    async with (
        raw_upstream() as upstream,
        gateway(upstream, filters=[filter_of(on_request=_pass, reads=Reads.REQUEST)]) as gate,
    ):
        client = await gate.connect()
        await client.send(b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 1000\r\n\r\npart")
        await until(lambda: gate.app.in_flight)
        await gone(gate, client)
        exchange = await gate.exchange()
    assert exchange.delivery is Delivery.UNSENT
    assert exchange.error.code == "client_gone"
    assert not upstream.peers


async def _pass(exchange) -> None:
    pass


async def test_pipelined_requests_of_a_client_that_left_are_never_begun() -> None:
    answer = asyncio.Event()
    async with raw_upstream(answering(answer, OK)) as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(POST + POST)
        await upstream.connected()
        await gone(gate, client)
        answer.set()
        assert (await gate.exchange()).delivery is Delivery.ANSWERED
        assert gate.ended.empty()
    assert len(upstream.requests) == 1


async def test_a_client_that_leaves_after_its_answer_changes_nothing() -> None:
    finish = asyncio.Event()

    async def at_end() -> None:
        await finish.wait()

    async def later(exchange) -> None:
        exchange.at_end(at_end)

    async with raw_upstream() as upstream, gateway(upstream, filters=[filter_of(on_request=later)]) as gate:
        client = await gate.connect()
        assert (await client.ask(GET)).status == 200
        await gone(gate, client)
        finish.set()
        exchange = await gate.exchange()
    assert (exchange.delivery, exchange.error) == (Delivery.ANSWERED, None)


# ends


async def test_an_answer_that_breaks_off_breaks_off_for_the_client_too() -> None:
    async with raw_upstream(then_closes(answering(STREAM))) as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(GET)
        assert b"0\r\n\r\n" not in (await client.head()) + await client.rest()
        exchange = await gate.exchange()
    assert exchange.error.code == "upstream_broken"
    assert exchange.delivery is Delivery.UNKNOWN


async def test_what_fails_at_the_end_fails_nothing_else(caplog) -> None:
    told = []

    async def fail() -> None:
        raise ValueError("at the end")

    async def note() -> None:
        told.append("end")

    async def later(exchange) -> None:
        exchange.at_end(fail)
        exchange.at_end(note)

    async with raw_upstream() as upstream, gateway(upstream, filters=[filter_of(on_request=later)]) as gate:
        gate.snapshot.observers = (lambda _: 1 / 0, *gate.snapshot.observers)
        assert (await gate.ask(GET)).status == 200
        exchange = await gate.exchange()
        assert gate.snapshot.in_flight == 0
    assert exchange.error is None
    assert told == ["end"]
    assert "at the end" in caplog.text
    assert "An observer failed" in caplog.text


@pytest.mark.parametrize(
    ("request_", "read", "written"),
    [
        (POST, 2, 2),
        (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n", 4, 2),
        (GET, 0, 2),
    ],
)
async def test_bytes_are_counted_without_their_framing(request_, read, written) -> None:
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(request_)
        if read == 4:
            await upstream.connected()
            await client.send(b"2\r\nok\r\n0\r\n\r\n")
        await client.answer()
        exchange = await gate.exchange()
    assert (exchange.bytes_in, exchange.bytes_out) == (read, written)


async def test_a_length_with_more_digits_than_a_number_can_be_read_from_leaves_nothing_counted() -> None:
    async with gateway() as gate:
        answer = await gate.ask(b"POST / HTTP/1.1\r\n" + HOST + b"content-length: " + b"0" * 5000 + b"2\r\n\r\n")
        assert answer.status == 400
        assert gate.snapshot.in_flight == gate.app.in_flight == 0


# the pace of both sides


async def settled(count) -> int:
    """The count, once it has not risen for a while."""
    seen, same = -1, 0
    while same < 100:
        await asyncio.sleep(0.002)
        same = same + 1 if count() == seen else 0
        seen = count()
    return seen


MUCH = 64 << 20
FEW = 24 << 20
"""More than all the sockets between a client and an upstream hold."""


async def test_a_client_that_reads_slowly_slows_the_upstream() -> None:
    written = 0

    async def pour(peer) -> None:
        nonlocal written
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % MUCH)
        while written < MUCH:
            await peer.send(bytes(1 << 16))
            written += 1 << 16

    async with raw_upstream(pour) as upstream, gateway(upstream) as gate:
        client = await gate.connect(receive_buffer=1 << 14)
        await client.send(GET)
        head = await client.head()
        assert await settled(lambda: written) < FEW
        assert len(await client.body(head)) == MUCH
        assert (await gate.exchange()).bytes_out == MUCH


async def test_an_upstream_that_reads_slowly_slows_the_client() -> None:
    begin = asyncio.Event()

    async def slow(peer):
        await begin.wait()
        request = await peer.request()
        await peer.send(OK)
        return request

    async with raw_upstream(slow) as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(b"POST / HTTP/1.1\r\n" + HOST + b"content-length: %d\r\n\r\n" % MUCH)
        sent = 0

        async def pour() -> None:
            nonlocal sent
            while sent < MUCH:
                await client.send(bytes(1 << 16))
                sent += 1 << 16

        pouring = asyncio.create_task(pour())
        assert await settled(lambda: sent) < FEW
        begin.set()
        assert (await client.answer()).status == 200
        await pouring
    assert len(upstream.requests[0].body) == MUCH


@pytest.mark.parametrize(
    "sent",
    [
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-4111111111111111-01",
        b"00-00000000000000004111111111111111-00f067aa0ba902b7-01",
    ],
)
async def test_a_trace_whose_ids_may_be_a_card_s_number_begins_anew(sent) -> None:
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        await gate.ask(get(b"traceparent: " + sent))
        exchange = await gate.exchange()
    assert exchange.trace.parent_id is None
    assert "4111111111111111" not in exchange.trace.traceparent.decode()
