"""What clients write, byte by byte, over real sockets."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from itertools import pairwise

import orjson
import pytest

from gateway.dataplane.protocol import ClientProtocol
from gateway.exchange import Delivery
from tests.gateway.dataplane.harness import (
    LIMITS,
    OK,
    answering,
    gateway,
    listening,
    raw_upstream,
    until,
)

HOST = b"host: shop.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"


def get(path: str, extra: bytes = b"") -> bytes:
    return b"GET %b HTTP/1.1\r\n%b%b\r\n" % (path.encode(), HOST, extra)


async def echo(scope, receive, send) -> None:
    """Answers with the path and the body that it was asked with."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    told = scope["raw_path"] + b" " + body
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(told))]})
    await send({"type": "http.response.body", "body": told})


async def asked(data: bytes, limits=LIMITS) -> list[tuple[int, bytes]]:
    """Statuses and bodies of all that is answered to ``data`` before the connection ends."""
    async with listening(echo, limits) as port:
        client = await port.connect()
        await client.send(data)
        answers = []
        while True:
            answer = await client.answer()
            answers.append((answer.status, answer.body))
            if answer.get("connection") == "close":
                assert await client.rest() == b""
                return answers


REFUSED = {
    "repeated-length": (POST + b"content-length: 2\r\ncontent-length: 2\r\n\r\nok", 400),
    "conflicting-lengths": (POST + b"content-length: 2\r\ncontent-length: 3\r\n\r\nok", 400),
    "list-of-lengths": (POST + b"content-length: 2, 2\r\n\r\nok", 400),
    "signed-length": (POST + b"content-length: +2\r\n\r\nok", 400),
    "negative-length": (POST + b"content-length: -2\r\n\r\nok", 400),
    "hex-length": (POST + b"content-length: 0x2\r\n\r\nok", 400),
    "spaced-length": (POST + b"content-length: 2 2\r\n\r\nok", 400),
    "empty-length": (POST + b"content-length:\r\n\r\nok", 400),
    "huge-length": (POST + b"content-length: 99999999999999999999\r\n\r\nok", 400),
    "length-then-chunked": (POST + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked-then-length": (POST + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n", 400),
    "chunked-twice": (POST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked-listed-twice": (POST + b"transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    "gzip-coding": (POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "identity-and-chunked": (POST + b"transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 501),
    "unknown-coding": (POST + b"transfer-encoding: xchunked\r\n\r\n", 501),
    "vertical-tab-coding": (POST + b"transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "coding-with-space-before-colon": (POST + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    "folded-coding": (POST + b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked-in-http-1.0": (b"POST / HTTP/1.0\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "negative-chunk": (CHUNKED + b"-1\r\n\r\n", 400),
    "signed-chunk": (CHUNKED + b"+2\r\nok\r\n0\r\n\r\n", 400),
    "prefixed-chunk": (CHUNKED + b"0x2\r\nok\r\n0\r\n\r\n", 400),
    "chunk-without-size": (CHUNKED + b"\r\nok\r\n0\r\n\r\n", 400),
    "chunk-with-space": (CHUNKED + b"2 \r\nok\r\n0\r\n\r\n", 400),
    "chunk-with-bare-lf": (CHUNKED + b"2\nok\n0\n\n", 400),
    "chunk-longer-than-its-size": (CHUNKED + b"2\r\nokay\r\n0\r\n\r\n", 400),
    "chunk-size-overflow": (CHUNKED + b"fffffffffffffffff\r\nok\r\n0\r\n\r\n", 400),
    "chunk-extension-with-lf": (CHUNKED + b"2;a\nok\r\n0\r\n\r\n", 400),
    "chunk-extension-with-crlf": (CHUNKED + b'2;a="x\r\ny"\r\nok\r\n0\r\n\r\n', 400),
    "lines-with-bare-lf": (b"GET / HTTP/1.1\nhost: x\n\n", 400),
    "header-with-bare-lf": (get("/", b"a: b\nc: d\r\n"), 400),
    "header-with-bare-cr": (get("/", b"a: b\rc: d\r\n"), 400),
    "header-ending-in-two-crs": (get("/", b"a: b\r\r\n"), 400),
    "header-with-nul": (get("/", b"a: b\0c\r\n"), 400),
    "header-name-with-nul": (get("/", b"a\0: b\r\n"), 400),
    "header-with-control": (get("/", b"a: b\x01c\r\n"), 400),
    "folded-header": (get("/", b"a: b\r\n c\r\n"), 400),
    "header-folded-with-tab": (get("/", b"a: b\r\n\tc\r\n"), 400),
    "space-before-first-header": (b"GET / HTTP/1.1\r\n a: b\r\n" + HOST + b"\r\n", 400),
    "space-before-colon": (get("/", b"a : b\r\n"), 400),
    "header-without-colon": (get("/", b"a\r\n"), 400),
    "header-without-name": (get("/", b": b\r\n"), 400),
    "header-name-beyond-ascii": (get("/", b"\xe9: b\r\n"), 400),
    "no-host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two-hosts": (get("/", HOST), 400),
    "empty-host": (b"GET / HTTP/1.1\r\nhost:\r\n\r\n", 400),
    "listed-hosts": (b"GET / HTTP/1.1\r\nhost: a, b\r\n\r\n", 400),
    "host-with-user": (b"GET / HTTP/1.1\r\nhost: a@b\r\n\r\n", 400),
    "host-with-path": (b"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400),
    "absolute-to-another": (get("http://other.example/"), 400),
    "absolute-with-user": (get("http://user@shop.example/"), 400),
    "other-scheme": (get("ftp://shop.example/"), 400),
    "fragment": (get("/a#b"), 400),
    "space-in-target": (get("/a b"), 400),
    "target-beyond-ascii": (b"GET /\xe9 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "asterisk": (get("*"), 400),
    "relative-target": (get("a"), 400),
    "connect": (b"CONNECT shop.example:443 HTTP/1.1\r\nhost: shop.example:443\r\n\r\n", 501),
    "trace": (b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "unknown-method": (b"FOO / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "method-in-small-letters": (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "websocket": (get("/", b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"), 501),
    "http-0.9": (b"GET /\r\n\r\n", 505),
    "http-2-by-name": (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "http-2-preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "http-1.2": (b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", 400),
    "http-in-small-letters": (b"GET / http/1.1\r\n" + HOST + b"\r\n", 400),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "unknown-expectation": (POST + b"expect: 200-ok\r\ncontent-length: 2\r\n\r\n", 417),
    "long-target": (get("/" + "a" * 8192), 414),
    "long-header": (get("/", b"a: " + b"b" * 32768 + b"\r\n"), 431),
    "long-header-name": (get("/", b"b" * 32768 + b": a\r\n"), 431),
    "long-headers": (get("/", b"".join(b"a%d: %b\r\n" % (n, b"b" * 1024) for n in range(32))), 431),
    "many-headers": (get("/", b"a: b\r\n" * 100), 431),
}


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED)
async def test_what_is_ambiguous_is_refused_before_the_application_sees_it(data, status) -> None:
    [(answered, body)] = await asked(data + GET)
    problem = orjson.loads(body)
    assert answered == problem["status"] == status
    assert set(problem) == {"type", "title", "status", "code", "request_id", "detail"}


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED)
async def test_it_is_refused_alike_where_it_arrives_byte_by_byte(data, status) -> None:
    step = 1 if len(data) < 300 else 500
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        for index in range(0, len(data), step):
            client.write(data[index : index + step])
            await asyncio.sleep(0)
        assert (await client.answer()).status == status
        assert await client.rest() == b""
    assert not upstream.requests


@pytest.mark.parametrize(
    "head",
    [
        b"x: " + b"a" * 32000 + b"\r\n",
        b"".join(b"x: %d\r\n" % n for n in range(98)),
        b"x: \xe9\xff\r\nX-Empty:\r\ncookie: a=b\tc\r\n",
    ],
    ids=["long", "many", "odd-values"],
)
async def test_what_is_only_unusual_is_taken(head) -> None:
    assert (await asked(get("/a", head + b"connection: close\r\n")))[0] == (200, b"/a ")


async def test_empty_lines_before_a_request_are_ignored() -> None:
    assert await asked(b"\r\n\r\n" + get("/a", b"connection: close\r\n")) == [(200, b"/a ")]


async def test_a_refused_request_gets_its_problem_with_an_id() -> None:
    async with listening(echo) as port:
        client = await port.connect()
        answer = await client.ask(b"GET / HTTP/1.1\r\n\r\n")
    assert answer.get("content-type") == "application/problem+json"
    assert answer.get("x-request-id") == orjson.loads(answer.body)["request_id"]
    assert answer.get("connection") == "close"
    assert port.clients.refusals == {"ambiguous_host": 1}


async def test_trailers_are_dropped_and_never_joined_to_the_headers() -> None:
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        data = (
            POST + b"transfer-encoding: chunked\r\ntrailer: x-api-key\r\n\r\n2\r\nok\r\n0\r\nx-api-key: stolen\r\n\r\n"
        )
        assert (await gate.ask(data)).status == 200
        exchange = await gate.exchange()
    assert upstream.requests[0].body == b"ok"
    assert upstream.requests[0].get("x-api-key") is None
    assert "x-api-key" not in dict(exchange.received.headers)


async def test_trailers_do_not_reach_the_next_request() -> None:
    data = CHUNKED + b"0\r\nhost: evil\r\nexpect: nonsense\r\n\r\n" + get("/2", b"connection: close\r\n")
    assert await asked(data) == [(200, b"/ "), (200, b"/2 ")]


@pytest.mark.parametrize("endless", [b"0\r\na: ", b"2;a=", b'2;a="'], ids=["trailer", "extension", "quoted"])
async def test_trailers_and_chunk_extensions_without_end_are_cut(endless) -> None:
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        client.write(CHUNKED + endless + b"a" * 1_000_000)
        assert (await client.answer()).status == 400


def names(answers: list[tuple[int, bytes]]) -> list[bytes]:
    return [body for _, body in answers]


async def test_pipelined_requests_are_answered_in_order() -> None:
    data = b"".join(get(f"/{n}") for n in range(50)) + get("/last", b"connection: close\r\n")
    assert names(await asked(data)) == [b"/%d " % n for n in range(50)] + [b"/last "]


async def test_a_slow_answer_holds_back_those_behind_it() -> None:
    slow = asyncio.Event()
    async with raw_upstream(answering(slow, OK)) as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(get("/slow") + get("/quick") + get("/third"))
        await upstream.connected()
        assert not upstream.requests
        slow.set()
        for _ in range(3):
            assert (await client.answer()).status == 200
    assert [request.target for request in upstream.requests] == ["/slow", "/quick", "/third"]


async def test_a_refused_request_waits_for_the_answers_before_it() -> None:
    answers = await asked(get("/1") + get("/2") + b"GET /3 HTTP/1.1\r\n\r\n" + get("/4"))
    assert [status for status, _ in answers] == [200, 200, 400]
    assert names(answers[:2]) == [b"/1 ", b"/2 "]


async def test_a_garbled_body_behind_good_requests_is_refused_in_its_turn() -> None:
    slow = asyncio.Event()
    async with raw_upstream(answering(slow, OK)) as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(get("/slow") + CHUNKED + b"2\r\n")
        await upstream.connected()
        await client.send(b"okay\r\n")
        slow.set()
        assert [(await client.answer()).status for _ in range(2)] == [200, 400]
        assert await client.rest() == b""
    assert [request.target for request in upstream.requests] == ["/slow"]


async def test_after_connection_close_nothing_more_is_read() -> None:
    assert names(await asked(get("/1", b"connection: close\r\n") + get("/2"))) == [b"/1 "]


async def test_pipelined_requests_beyond_a_few_stay_in_the_socket() -> None:
    gate = asyncio.Event()
    protocols: list[ClientProtocol] = []

    async def app(scope, receive, send) -> None:
        protocols.append(scope["payguard.turn"]._protocol)
        await gate.wait()
        await echo(scope, receive, send)

    async with listening(app) as port:
        client = await port.connect()
        for _ in range(400):
            client.write(get("/1") * 200)
        await until(lambda: protocols)
        gate.set()
        most = 0
        for _ in range(5000):
            assert (await client.answer()).status == 200
            most = max(most, len(protocols[0]._queue))
    assert most < 256 * 1024 / len(get("/1")) + 2


async def test_answers_that_a_client_does_not_read_hold_back_the_next() -> None:
    served = []

    async def app(scope, receive, send) -> None:
        served.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000000")]})
        await send({"type": "http.response.body", "body": bytes(1_000_000)})

    async with listening(app) as port:
        client = await port.connect()
        await client.send(get("/1") * 100)
        await until(lambda: len(served) > 1)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert len(served) < 20
        for _ in range(100):
            assert len((await client.answer()).body) == 1_000_000


# upgrades


H2C = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (get("/1", H2C), b""),
        (b"POST /1 HTTP/1.1\r\n" + HOST + H2C + b"content-length: 2\r\n\r\nok", b"ok"),
        (b"POST /1 HTTP/1.1\r\n" + HOST + H2C + b"content-length: 0\r\n\r\n", b""),
        (b"POST /1 HTTP/1.1\r\n" + HOST + H2C + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
    ],
    ids=["get", "length", "empty", "chunked"],
)
@pytest.mark.parametrize("apart", [False, True], ids=["at-once", "apart"])
async def test_an_upgrade_to_h2c_is_ignored_and_its_body_is_a_body(data, body, apart) -> None:
    async with listening(echo) as port:
        client = await port.connect()
        if apart:
            for index in range(len(data)):
                await client.send(data[index : index + 1])
                await asyncio.sleep(0)
        else:
            client.write(data)
        await client.send(data.replace(b" /1", b" /2") + get("/3"))
        assert [(await client.answer()).body for _ in range(3)] == [b"/1 " + body, b"/2 " + body, b"/3 "]


async def test_what_looks_like_a_request_in_the_body_of_an_upgrade_is_not_one() -> None:
    inner = get("/admin")
    data = b"POST /1 HTTP/1.1\r\n" + HOST + H2C + b"content-length: %d\r\n\r\n" % len(inner) + inner
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        assert (await gate.ask(data)).status == 200
    assert [(request.target, request.body) for request in upstream.requests] == [("/1", inner)]


# Expect: 100-continue


async def test_100_continue_is_sent_when_the_body_is_wanted() -> None:
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(POST + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        assert (await client.answer()).status == 100
        await client.send(b"ok")
        assert (await client.answer()).status == 200
    assert upstream.requests[0].get("expect") is None
    assert upstream.requests[0].body == b"ok"


async def test_100_continue_is_not_sent_where_the_body_came_along() -> None:
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        assert (await gate.ask(POST + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\nok")).status == 200


async def test_100_continue_is_not_sent_where_no_route_takes_the_request() -> None:
    async with gateway(routes=lambda _: []) as gate:
        client = await gate.connect()
        answer = await client.ask(POST + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        assert answer.status == 404
        assert answer.get("connection") == "close"  # the client may send its body all the same
        assert await client.rest() == b""


async def test_100_continue_is_not_sent_in_http_1_0() -> None:
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(b"POST / HTTP/1.0\r\n" + HOST + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        await upstream.connected()
        await client.send(b"ok")
        assert (await client.answer()).status == 200


# HTTP/1.0


async def test_http_1_0_is_answered_without_chunks_and_closed() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    gate_ = asyncio.Event()
    async with raw_upstream(answering(chunked, gate_, b"2\r\nok\r\n0\r\n\r\n")) as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(b"GET / HTTP/1.0\r\n" + HOST + b"\r\n")
        head = await client.head()
        gate_.set()
        assert b"transfer-encoding" not in head
        assert b"connection: close" in head
        assert await client.rest() == b"ok"


async def test_http_1_0_stays_open_where_it_asks() -> None:
    async with listening(echo) as port:
        client = await port.connect()
        for _ in range(2):
            answer = await client.ask(b"GET /1 HTTP/1.0\r\n" + HOST + b"connection: keep-alive\r\n\r\n")
            assert (answer.body, answer.get("connection")) == (b"/1 ", "keep-alive")


# bodies that go wrong after the request has begun


@pytest.mark.parametrize("garbage", [b"okay\r\n", b"ok\r\nxyz\r\n", b"ok\r\n-1\r\n"])
async def test_a_chunk_that_is_garbled_in_a_later_segment_ends_the_request(garbage) -> None:
    async with raw_upstream() as upstream, gateway(upstream) as gate:
        client = await gate.connect()
        await client.send(CHUNKED + b"2\r\n")
        peer = await upstream.connected()
        await client.send(garbage)
        answer = await client.answer()
        exchange = await gate.exchange()
        assert await client.rest() == b""
        await until(peer.writer.is_closing)
    assert (answer.status, orjson.loads(answer.body)["code"]) == (400, "client_broke_off")
    assert exchange.delivery is Delivery.UNKNOWN
    assert not upstream.requests


# time


SHORT = 0.15


async def test_a_head_that_does_not_come_is_refused() -> None:
    async with listening(echo, replace(LIMITS, header_timeout=SHORT)) as port:
        client = await port.connect()
        answer = await client.ask(b"GET / HTTP/1.1\r\nhos")
        assert (answer.status, orjson.loads(answer.body)["code"]) == (408, "client_timeout")
        assert await client.rest() == b""


async def test_a_head_that_comes_in_drips_is_refused() -> None:
    async with listening(echo, replace(LIMITS, header_timeout=SHORT)) as port:
        client = await port.connect()
        await client.send(b"GET / HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                await client.send(b"a: b\r\n")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert (await client.answer()).status == 408
        dripping.cancel()


async def test_a_head_behind_a_slow_answer_is_not_called_slow() -> None:
    slow = asyncio.Event()

    async def app(scope, receive, send) -> None:
        await slow.wait()
        await echo(scope, receive, send)

    async with listening(app, replace(LIMITS, header_timeout=SHORT)) as port:
        client = await port.connect()
        await client.send(get("/1") + b"GET /2 HTTP/1.1\r\n")
        [protocol] = await _connections(port)
        protocol.sweep(protocol._since + 10 * SHORT)
        slow.set()
        assert (await client.answer()).body == b"/1 "
        assert (await client.ask(HOST + b"\r\n")).body == b"/2 "


async def _connections(port) -> list[ClientProtocol]:
    await until(lambda: port.clients.connections and all(each._turn for each in port.clients.connections))
    return list(port.clients.connections)


async def test_a_body_that_stops_is_refused() -> None:
    async with raw_upstream() as upstream, gateway(upstream, limits=replace(LIMITS, body_timeout=SHORT)) as gate:
        client = await gate.connect()
        answer = await client.ask(POST + b"content-length: 3\r\n\r\nok")
        exchange = await gate.exchange()
        assert (answer.status, orjson.loads(answer.body)["code"]) == (408, "client_timeout")
        assert await client.rest() == b""
    assert exchange.error is not None
    assert exchange.error.code == "client_timeout"


async def test_a_body_that_comes_in_drips_is_refused() -> None:
    limits = replace(LIMITS, body_timeout=SHORT, body_rate=10_000)
    async with raw_upstream() as upstream, gateway(upstream, limits=limits) as gate:
        client = await gate.connect()
        await client.send(POST + b"content-length: 100000\r\n\r\n")

        async def drip() -> None:
            while True:
                await client.send(b"a")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert (await client.answer()).status == 408
        dripping.cancel()


async def test_an_idle_connection_is_closed() -> None:
    async with listening(echo, replace(LIMITS, keep_alive=SHORT)) as port:
        client = await port.connect()
        assert (await client.ask(get("/1"))).status == 200
        assert await client.rest() == b""
        await until(lambda: not port.clients.connections)


async def test_a_connection_on_which_nothing_is_asked_is_closed() -> None:
    async with listening(echo, replace(LIMITS, keep_alive=SHORT)) as port:
        assert await (await port.connect()).rest() == b""


async def test_a_client_that_reads_nothing_is_given_up() -> None:
    ended = asyncio.Event()

    async def app(scope, receive, send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while not scope["payguard.turn"].gone:
                await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
        finally:
            ended.set()

    async with listening(app, replace(LIMITS, write_timeout=SHORT)) as port:
        client = await port.connect()
        client.reader._transport.pause_reading()
        await client.send(GET)
        async with asyncio.timeout(5):
            await ended.wait()
        await until(lambda: not port.clients.connections)


async def test_a_client_that_leaves_the_last_of_its_answer_unread_is_given_up() -> None:
    """The rest is too little to hold back the writer, so it is the keep-alive that ends."""
    protocols = []

    async def app(scope, receive, send) -> None:
        protocols.append(scope["payguard.turn"]._protocol)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while protocols[0]._transport.get_write_buffer_size() < 1000:
            await send({"type": "http.response.body", "body": bytes(1000), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async with listening(app, replace(LIMITS, keep_alive=SHORT)) as port:
        client = await port.connect()
        client.reader._transport.pause_reading()
        await client.send(get("/", b"connection: close\r\n"))
        await until(lambda: protocols and not port.clients.connections)


async def test_a_refused_client_that_goes_on_sending_reads_its_answer_and_is_cut_off() -> None:
    async with listening(echo, replace(LIMITS, linger=0.2)) as port:
        client = await port.connect()
        client.write(b"GET / HTTP/1.1\r\n\r\n" + b"x" * 500_000)
        assert (await client.answer()).status == 400
        await until(lambda: not port.clients.connections)


# connections


async def test_a_connection_too_many_is_refused_and_closed() -> None:
    async with listening(echo, replace(LIMITS, connections=1)) as port:
        first = await port.connect()
        assert (await first.ask(get("/1"))).status == 200
        second = await port.connect()
        answer = await second.answer()
        assert (answer.status, answer.get("retry-after")) == (503, "1")
        assert await second.rest() == b""
        assert port.clients.refused == 1
        await first.close()
        await until(lambda: not port.clients.connections)
        third = await port.connect()
        assert (await third.ask(get("/3"))).status == 200


async def test_a_leaving_gateway_asks_its_clients_to_come_back_elsewhere() -> None:
    async with listening(echo) as port:
        client = await port.connect()
        assert (await client.ask(get("/1"))).get("connection") is None
        port.clients.leaving = True
        assert (await client.ask(get("/2"))).get("connection") == "close"
        assert await client.rest() == b""


async def test_an_answered_client_that_still_sends_its_body_is_read_to_its_end() -> None:
    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with listening(app) as port:
        client = await port.connect()
        await client.send(POST + b"content-length: 1000000\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.get("connection")) == (413, "close")
        await client.send(bytes(1_000_000))
        assert await client.rest() == b""


async def test_a_body_waits_in_the_socket_while_nobody_reads_it() -> None:
    """Also where it was behind another request, whose answer let reading go on."""
    gates = {"/1": asyncio.Event(), "/2": asyncio.Event()}
    turns = []

    async def app(scope, receive, send) -> None:
        turns.append(scope["payguard.turn"])
        await gates[scope["path"]].wait()
        await echo(scope, receive, send)

    async with listening(app) as port:
        client = await port.connect()
        client.write(get("/1") + b"POST /2 HTTP/1.1\r\n" + HOST + b"content-length: 20000000\r\n\r\n")
        for _ in range(20):
            client.write(bytes(1_000_000))
        await until(lambda: turns)
        gates["/1"].set()
        assert (await client.answer()).body == b"/1 "
        await until(lambda: len(turns) == 2)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert turns[1].size < 2_000_000
        gates["/2"].set()
        assert len((await client.answer()).body) == 20_000_003


MIXED = (
    get("/1")
    + b"POST /2 HTTP/1.1\r\n" + HOST + b"content-length: 3\r\n\r\nabc"
    + b"POST /3 HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\na: b\r\n\r\n"
    + b"\r\nPOST /4 HTTP/1.1\r\n" + HOST + H2C + b"content-length: 3\r\n\r\nabc"
    + b"POST /5 HTTP/1.1\r\n" + HOST + H2C + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    + get("/6", H2C)
    + b"GET http://shop.example/7 HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n"
)  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
async def test_where_segments_end_means_nothing(seed) -> None:
    cuts = sorted(random.Random(seed).sample(range(1, len(MIXED)), k=4 * seed))
    async with listening(echo) as port:
        client = await port.connect()
        for begin, end in pairwise([0, *cuts, len(MIXED)]):
            client.write(MIXED[begin:end])
            await asyncio.sleep(0)
        answers = [(await client.answer()).body for _ in range(7)]
        assert await client.rest() == b""
    assert answers == [b"/1 ", b"/2 abc", b"/3 abc", b"/4 abc", b"/5 abc", b"/6 ", b"/7 "]


async def test_heads_that_are_pipelined_have_the_same_bounds() -> None:
    answers = await asked(get("/1") + get("/2", b"a: " + b"b" * 33000 + b"\r\n"))
    assert [status for status, _ in answers] == [200, 431]


async def test_a_head_without_end_is_refused_before_it_is_stored() -> None:
    async with listening(echo) as port:
        client = await port.connect()
        client.write(b"GET / HTTP/1.1\r\na: " + b"b" * 1_000_000)
        assert (await client.answer()).status == 431
