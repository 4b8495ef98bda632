"""One attempt through a whole gateway: what is sent, what comes of it, and that delivery never lies about it."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import psutil
import pytest

from gateway.body import Body
from gateway.dataplane.attempt import INCONCLUSIVE, deliver
from gateway.dataplane.pool import Address, PoolOptions
from gateway.dataplane.upstream import Timeouts
from gateway.errors import DependencyDown
from gateway.exchange import Attempt, Delivery, Exchange
from gateway.testing import exchange as made_exchange
from tests.gateway.dataplane.harness import (
    OK,
    PATIENT,
    Client,
    Gateway,
    Peer,
    RawUpstream,
    answering,
    filter_of,
    gateway,
    raw_upstream,
    reads_and_closes,
    reads_and_resets,
    then_closes,
    until,
)
from tests.gateway.dataplane.test_pool import full_listener, unused_port

GET = b"GET /a HTTP/1.1\r\nhost: shop\r\n\r\n"
HEAD = b"HEAD /a HTTP/1.1\r\nhost: shop\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nhost: shop\r\ncontent-length: 3\r\n\r\n{ }"
BEGUN = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel"
BEGUN_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n"
never = asyncio.Event

UNSENT, UNKNOWN, ANSWERED = Delivery.UNSENT, Delivery.UNKNOWN, Delivery.ANSWERED


def code(answer) -> str:
    return answer.body.partition(b'"code":"')[2].partition(b'"')[0].decode()


async def freed(running: Gateway, *, idle: int) -> None:
    """Until the attempt's connection is idle again, or gone."""
    await until(lambda: running.pool.stats() == running.pool.stats() | {"open": idle, "idle": idle, "waiting": 0})


def delivered(exchange: Exchange) -> tuple[Delivery, list[tuple[Delivery, int | None, str | None]]]:
    return exchange.delivery, [(a.delivery, a.status, a.error) for a in exchange.attempts]


# answered


@pytest.mark.parametrize("data", [GET, HEAD, POST])
@pytest.mark.parametrize(
    "status", [b"200 OK", b"204 No Content", b"304 Not Modified", b"402 Payment Required", b"500 Oh"]
)
async def test_any_answer_of_the_upstream_is_an_answer(data, status) -> None:
    answer = (
        b"HTTP/1.1 "
        + status
        + b"\r\n"
        + (b"" if status[0:3] in {b"204", b"304"} else b"content-length: 0\r\n")
        + b"\r\n"
    )
    async with raw_upstream(answer) as upstream, gateway(upstream) as running:
        assert (await running.ask(data, to=data.split()[0].decode())).status == int(status[:3])
        assert delivered(await running.exchange()) == (ANSWERED, [(ANSWERED, int(status[:3]), None)])
        await freed(running, idle=1)


async def test_the_length_that_head_tells_reaches_the_client_and_the_connection_serves_on() -> None:
    long = b"HTTP/1.1 200 OK\r\ncontent-length: 123456\r\n\r\n"
    async with raw_upstream(long) as upstream, gateway(upstream) as running:
        client = await running.connect()
        assert (await client.ask(HEAD, to="HEAD")).get("content-length") == "123456"
        assert (await client.ask(GET)).body == b"ok"
        assert len(upstream.peers) == 1


async def test_the_length_of_a_304_does_not_make_it_wait_for_a_body() -> None:
    unchanged = b'HTTP/1.1 304 Not Modified\r\netag: "a"\r\ncontent-length: 1234\r\n\r\n'
    async with raw_upstream(unchanged) as upstream, gateway(upstream) as running:
        client = await running.connect()
        answer = await client.ask(GET)
        assert (answer.status, answer.get("etag"), answer.body) == (304, '"a"', b"")
        assert (await client.ask(GET)).body == b"ok"
        assert len(upstream.peers) == 1


async def test_trailers_reach_nobody() -> None:
    async with (
        raw_upstream(BEGUN_CHUNKED + b"0\r\nset-cookie: evil=1\r\n\r\n") as upstream,
        gateway(upstream) as running,
    ):
        client = await running.connect()
        answer = await client.ask(GET)
        assert (answer.body, answer.all("set-cookie")) == (b"hel", [])
        assert (await client.ask(GET)).body == b"ok"


async def test_informational_answers_stay_here() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n"
    async with raw_upstream(hints + hints + OK) as upstream, gateway(upstream) as running:
        answer = await running.ask(GET)
        assert (answer.status, answer.all("link")) == (200, [])


async def test_what_an_upstream_says_beyond_its_answer_never_reaches_the_next_request() -> None:
    evil = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"
    async with raw_upstream(OK + evil, OK) as upstream, gateway(upstream) as running:
        client = await running.connect()
        assert (await client.ask(GET)).body == b"ok"
        assert (await client.ask(GET)).body == b"ok"
        assert len(upstream.peers) == 2


# never sent


async def test_a_refused_connection_leaves_it_unsent() -> None:
    async with gateway(Address("http", "127.0.0.1", unused_port())) as running:
        answer = await running.ask(POST)
        assert (answer.status, code(answer)) == (503, "upstream_unreachable")
        assert delivered(await running.exchange()) == (UNSENT, [(UNSENT, None, "upstream_unreachable")])


async def test_a_connection_that_is_never_accepted_leaves_it_unsent() -> None:
    with full_listener() as address:
        async with gateway(address, pool=PoolOptions(connect=0.02)) as running:
            answer = await running.ask(POST)
            assert (answer.status, code(answer)) == (504, "upstream_connect_timeout")
            assert delivered(await running.exchange()) == (UNSENT, [(UNSENT, None, "upstream_connect_timeout")])


async def test_a_full_pool_leaves_it_unsent() -> None:
    gate = asyncio.Event()
    async with (
        raw_upstream(answering(gate, OK)) as upstream,
        gateway(upstream, pool=PoolOptions(connections=1, wait=0.02)) as running,
    ):
        first = await running.connect()
        await first.send(GET)
        await upstream.connected()
        answer = await running.ask(POST)
        assert (answer.status, code(answer)) == (503, "upstream_pool_exhausted")
        assert answer.get("retry-after") == "1"
        assert (await running.exchange()).delivery is UNSENT
        gate.set()
        assert (await first.answer()).body == b"ok"


async def test_an_upstream_on_a_unix_socket_is_spoken_to_alike(tmp_path: Path) -> None:
    upstream = RawUpstream()
    server = await asyncio.start_unix_server(upstream.serve, tmp_path / "backend.sock")
    async with server, gateway(Address("http+unix", path=str(tmp_path / "backend.sock"))) as running:
        assert (await running.ask(POST)).body == b"ok"
        assert (await upstream.asked()).body == b"{ }"
        await upstream.close()


# before_send


async def test_what_must_happen_before_the_first_byte_has_happened_by_then() -> None:
    told: list[str] = []

    async def remember(exchange: Exchange) -> None:
        async def call() -> None:
            told.append(f"{exchange.delivery.value}, {len(upstream.requests)} sent")

        exchange.before_send(call)
        exchange.before_send(call)

    async with raw_upstream() as upstream, gateway(upstream, filters=[filter_of(on_request=remember)]) as running:
        assert (await running.ask(POST)).body == b"ok"
        assert told == ["unsent, 0 sent"] * 2


async def test_where_that_fails_nothing_is_sent_and_the_connection_stays() -> None:
    async def refuse(exchange: Exchange) -> None:
        async def call() -> None:
            raise DependencyDown("The ledger is full")

        if exchange.request.method == "POST":
            exchange.before_send(call)

    async with raw_upstream() as upstream, gateway(upstream, filters=[filter_of(on_request=refuse)]) as running:
        assert (await running.ask(GET)).body == b"ok"
        await running.exchange()
        assert (await running.ask(POST)).status == 503
        assert delivered(await running.exchange()) == (UNSENT, [(UNSENT, None, "dependency_down")])
        assert (await running.ask(GET)).body == b"ok"
        assert [request.start for request in upstream.requests] == ["GET /a HTTP/1.1"] * 2
        assert len(upstream.peers) == 1


async def test_a_connection_that_ends_meanwhile_is_replaced_before_the_first_byte() -> None:
    async def cut(exchange: Exchange) -> None:
        async def call() -> None:
            await upstream.peers[0].close()
            await until(lambda: running.pool.stats()["open"] == 0)

        if exchange.request.method == "POST":
            exchange.before_send(call)

    async with raw_upstream() as upstream, gateway(upstream, filters=[filter_of(on_request=cut)]) as running:
        assert (await running.ask(GET)).body == b"ok"
        assert (await running.ask(POST)).body == b"ok"
        await running.exchange()
        assert delivered(await running.exchange()) == (ANSWERED, [(ANSWERED, 200, None)])
        assert len(upstream.peers) == 2


async def test_a_client_that_goes_before_the_first_byte_has_nothing_sent() -> None:
    entered = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        async def call() -> None:
            entered.set()
            await never().wait()

        exchange.before_send(call)

    async with raw_upstream() as upstream, gateway(upstream, filters=[filter_of(on_request=slow)]) as running:
        client = await running.connect()
        await client.send(POST)
        await entered.wait()
        client.reset()
        ended = await running.exchange()
        assert delivered(ended) == (UNSENT, [(UNSENT, None, "CancelledError")])
        assert upstream.requests == []
        await freed(running, idle=1)


# sent, and in doubt


@pytest.mark.parametrize(
    ("timeouts", "talk", "expected"),
    [
        (Timeouts(first_byte=0.05, idle=PATIENT, total=PATIENT), answering(never()), "upstream_first_byte_timeout"),
        (Timeouts(first_byte=PATIENT, idle=PATIENT, total=0.05), answering(never()), "upstream_total_timeout"),
        (Timeouts(first_byte=PATIENT, idle=PATIENT, total=PATIENT), reads_and_closes, "upstream_broken"),
        (Timeouts(first_byte=PATIENT, idle=PATIENT, total=PATIENT), reads_and_resets, "upstream_broken"),
        (Timeouts(first_byte=PATIENT, idle=PATIENT, total=PATIENT), answering(b"nonsense\r\n\r\n"), "upstream_broken"),
        (
            Timeouts(first_byte=0.05, idle=PATIENT, total=PATIENT),
            answering(BEGUN[:20], never()),
            "upstream_first_byte_timeout",
        ),
        (
            Timeouts(first_byte=0.05, idle=PATIENT, total=PATIENT),
            answering(b"HTTP/1.1 100 Continue\r\n\r\n", never()),
            "upstream_first_byte_timeout",
        ),
    ],
)
async def test_a_request_that_gets_no_answer_is_in_doubt_and_said_to_be(timeouts, talk, expected) -> None:
    async with raw_upstream(talk) as upstream, gateway(upstream, timeouts=timeouts) as running:
        answer = await running.ask(POST)
        assert (answer.status, code(answer)) == (502 if expected == "upstream_broken" else 504, expected)
        assert delivered(await running.exchange()) == (UNKNOWN, [(UNKNOWN, None, expected)])
        await freed(running, idle=0)
        assert (await running.ask(GET)).body == b"ok"


@pytest.mark.parametrize("begun", [BEGUN, BEGUN_CHUNKED])
@pytest.mark.parametrize("data", [GET, POST])
@pytest.mark.parametrize("reset", [False, True])
async def test_an_answer_that_dies_within_cuts_the_clients_short_and_is_in_doubt(begun, data, reset) -> None:
    heard = asyncio.Event()

    async def dies(peer: Peer) -> None:
        await answering(begun, heard)(peer)
        if reset:
            peer.reset()
        else:
            await peer.close()

    async with raw_upstream(dies) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(data)
        head = await client.head()
        assert await client.read() != b""
        heard.set()
        assert not (await client.rest()).endswith(b"0\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        ended = await running.exchange()
        assert delivered(ended) == (UNKNOWN, [(UNKNOWN, 200, "upstream_broken")])
        assert ended.error is not None
        await freed(running, idle=0)


@pytest.mark.parametrize(
    ("data", "timeouts", "expected"),
    [
        (GET, Timeouts(first_byte=PATIENT, idle=0.05, total=PATIENT), "upstream_idle_timeout"),
        (POST, Timeouts(first_byte=PATIENT, idle=0.05, total=PATIENT), "upstream_idle_timeout"),
        (POST, Timeouts(first_byte=PATIENT, idle=PATIENT, total=0.1), "upstream_total_timeout"),
    ],
)
async def test_an_answer_that_falls_silent_is_given_up(data, timeouts, expected) -> None:
    async with raw_upstream(answering(BEGUN, never())) as upstream, gateway(upstream, timeouts=timeouts) as running:
        client = await running.connect()
        await client.send(data)
        await client.rest()
        assert delivered(await running.exchange()) == (UNKNOWN, [(UNKNOWN, 200, expected)])
        await freed(running, idle=0)


async def test_a_safe_answer_may_stream_beyond_total() -> None:
    async def drips(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        started = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < started + 0.3:
            await peer.send(b"1\r\nx\r\n")
            await asyncio.sleep(0.02)
        await peer.send(b"0\r\n\r\n")

    timeouts = Timeouts(first_byte=PATIENT, idle=PATIENT, total=0.1)
    async with raw_upstream(drips, drips) as upstream, gateway(upstream, timeouts=timeouts) as running:
        answer = await running.ask(GET)
        assert answer.body.strip(b"x") == b""
        assert (await running.exchange()).delivery is ANSWERED
        client = await running.connect()
        await client.send(POST)
        assert not (await client.rest()).endswith(b"0\r\n\r\n")
        assert (await running.exchange()).attempts[0].error == "upstream_total_timeout"


async def test_total_counts_on_after_a_streamed_upload() -> None:
    async def drips(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await peer.send(b"1\r\nx\r\n")
            await asyncio.sleep(0.02)

    timeouts = Timeouts(first_byte=PATIENT, idle=PATIENT, total=0.1)
    async with raw_upstream(drips) as upstream, gateway(upstream, timeouts=timeouts) as running:
        client = await running.connect()
        await client.send(upload_head())
        await upstream.connected()
        await client.send(b"2\r\nok\r\n0\r\n\r\n")
        await client.rest()
        assert delivered(await running.exchange()) == (UNKNOWN, [(UNKNOWN, 200, "upstream_total_timeout")])


# uploads


def upload_head(length: int | None = None) -> bytes:
    framing = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
    return b"POST /up HTTP/1.1\r\nhost: shop\r\n" + framing + b"\r\n\r\n"


@pytest.mark.parametrize("length", [None, 6])
async def test_an_upload_arrives_as_it_is_sent(length) -> None:
    async def piecewise(peer: Peer) -> None:
        head = await peer.head()
        assert (b"content-length: 6" in head) is (length is not None)
        assert (b"transfer-encoding: chunked" in head) is (length is None)
        for piece in (b"one", b"two"):
            client.write(piece if length else b"3\r\n" + piece + b"\r\n")
            framed = await peer.exactly(3 if length else 8)
            assert piece in framed
        if length is None:
            client.write(b"0\r\n\r\n")
            assert await peer.exactly(5) == b"0\r\n\r\n"
        await peer.send(OK)

    async with raw_upstream(piecewise) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(upload_head(length))
        assert (await client.answer()).body == b"ok"
        ended = await running.exchange()
        assert (ended.delivery, ended.bytes_in) == (ANSWERED, 6)
        await freed(running, idle=1)


@pytest.mark.parametrize("length", [None, 1 << 30])
async def test_an_early_answer_ends_the_upload_and_reaches_the_client(length) -> None:
    async def too_large(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 4\r\n\r\nmuch")

    async with raw_upstream(too_large) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(upload_head(length))
        answer = await client.answer()
        assert (answer.status, answer.body) == (413, b"much")
        assert delivered(await running.exchange()) == (ANSWERED, [(ANSWERED, 413, None)])
        await freed(running, idle=0)
        assert (await running.ask(GET)).body == b"ok"


async def test_an_early_answer_reaches_the_client_though_the_upstream_closes_behind_it() -> None:
    async def too_large(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 4\r\nconnection: close\r\n\r\nmuch")
        await peer.close()

    async with raw_upstream(too_large) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(upload_head())
        await upstream.connected()
        await client.send(b"2\r\nok\r\n")
        assert (await client.answer()).status == 413
        assert (await running.exchange()).delivery is ANSWERED


async def test_both_directions_stream_at_once() -> None:
    async def echoes(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        async for chunk in peer.chunks():
            await peer.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        await peer.send(b"0\r\n\r\n")

    async with raw_upstream(echoes) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(upload_head())
        await client.head()
        echo = client.chunks()
        for piece in (b"one", b"two", b"six"):
            await client.send(b"3\r\n" + piece + b"\r\n")
            assert await anext(echo) == piece
        await client.send(b"0\r\n\r\n")
        assert [chunk async for chunk in echo] == []
        assert delivered(await running.exchange()) == (ANSWERED, [(ANSWERED, 200, None)])
        await freed(running, idle=1)


@pytest.mark.parametrize("begun", [False, True])
async def test_a_client_that_breaks_off_its_upload_frees_the_upstreams_connection(begun) -> None:
    async def reads(peer: Peer) -> None:
        await peer.head()
        if begun:
            await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
        ends.set_result(await peer.rest())

    ends = asyncio.get_running_loop().create_future()
    async with raw_upstream(reads) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(upload_head() + b"2\r\nok\r\n")
        await upstream.connected()
        if begun:
            await client.head()
        client.reset()
        async with asyncio.timeout(PATIENT):
            assert not (await ends).endswith(b"0\r\n\r\n")
        ended = await running.exchange()
        assert ended.delivery is UNKNOWN
        assert ended.attempts[0].error is not None
        await freed(running, idle=0)


async def test_an_upstream_that_dies_within_an_upload_is_broken() -> None:
    async def dies(peer: Peer) -> None:
        await peer.head()
        await peer.exactly(7)
        peer.reset()

    async with raw_upstream(dies) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(upload_head() + b"2\r\nok\r\n")
        answer = await client.answer()
        assert (answer.status, code(answer)) == (502, "upstream_broken")
        assert delivered(await running.exchange()) == (UNKNOWN, [(UNKNOWN, None, "upstream_broken")])


async def test_an_upstream_that_stops_reading_an_upload_is_idle() -> None:
    async def reads_nothing(peer: Peer) -> None:
        await peer.head()
        await never().wait()

    timeouts = Timeouts(first_byte=PATIENT, idle=0.1, total=PATIENT)
    async with raw_upstream(reads_nothing) as upstream, gateway(upstream, timeouts=timeouts) as running:
        client = await running.connect()
        pushing = asyncio.create_task(push(client, 64 << 20))
        answer = await client.answer()
        assert (answer.status, code(answer)) == (504, "upstream_idle_timeout")
        pushing.cancel()
        assert delivered(await running.exchange()) == (UNKNOWN, [(UNKNOWN, None, "upstream_idle_timeout")])


async def push(client: Client, size: int) -> None:
    await client.send(upload_head(size))
    for _ in range(size >> 16):
        await client.send(b"x" * (1 << 16))


# bodies that filters make


def body_of(pieces: Sequence[bytes | Exception], length: int | None = None):
    """A filter that puts these in the place of the request's body."""

    async def source() -> AsyncGenerator[bytes, None]:
        for piece in pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def on_request(exchange: Exchange) -> None:
        if exchange.request.method == "POST":
            exchange.request.body = Body(source=source(), length=length)

    return filter_of(on_request=on_request)


async def test_an_empty_piece_does_not_end_a_chunked_body() -> None:
    async with (
        raw_upstream() as upstream,
        gateway(upstream, filters=[body_of([b"", b"one", b"", b"GET /evil HTTP/1.1\r\n\r\n", b""])]) as running,
    ):
        assert (await running.ask(POST)).body == b"ok"
        assert (await upstream.asked()).body == b"oneGET /evil HTTP/1.1\r\n\r\n"
        await freed(running, idle=1)


@pytest.mark.parametrize("pieces", [[b"abcd"], [b"ab", b"GET /evil HTTP/1.1\r\n\r\n"], [b"a"], []])
async def test_a_body_that_is_not_as_long_as_it_said_never_becomes_another_request(pieces, caplog) -> None:
    async with raw_upstream() as upstream, gateway(upstream, filters=[body_of(pieces, length=3)]) as running:
        assert (await running.ask(POST)).status == 500
        assert delivered(await running.exchange()) == (UNKNOWN, [(UNKNOWN, None, "ValueError")])
        await freed(running, idle=0)
        assert upstream.requests == []
    assert "not as long as" in caplog.text


async def test_a_body_that_fails_is_a_bug_and_waits_for_nothing(caplog) -> None:
    filters = [body_of([b"one", RuntimeError("a bug")])]
    async with raw_upstream() as upstream, gateway(upstream, filters=filters) as running:
        answer = await running.ask(POST)
        assert (answer.status, code(answer)) == (500, "internal_error")
        assert (await running.exchange()).delivery is UNKNOWN
        await freed(running, idle=0)
    assert "a bug" in caplog.text


# downloads


async def test_server_sent_events_arrive_one_by_one() -> None:
    heard = asyncio.Event()

    async def events(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(3):
            event = b"data: %d\n\n" % number
            await peer.send(b"%x\r\n%b\r\n" % (len(event), event))
            await heard.wait()
            heard.clear()
        await peer.send(b"0\r\n\r\n")

    async with raw_upstream(events) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(GET)
        await client.head()
        arriving = client.chunks()
        for number in range(3):
            assert await anext(arriving) == b"data: %d\n\n" % number
            heard.set()
        assert [chunk async for chunk in arriving] == []
        assert (await running.exchange()).delivery is ANSWERED


async def test_the_head_of_an_answer_does_not_wait_for_its_body() -> None:
    heard = asyncio.Event()
    talk = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", heard, b"ok")
    async with raw_upstream(talk) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(GET)
        head = await client.head()
        heard.set()
        assert await client.body(head) == b"ok"


async def test_an_answer_without_length_is_passed_on_to_its_end() -> None:
    talk = then_closes(answering(b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo"))
    async with raw_upstream(talk) as upstream, gateway(upstream) as running:
        client = await running.connect()
        assert (await client.ask(GET)).body == b"hello"
        assert (await client.ask(GET)).body == b"ok"


async def endless(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        await peer.send(b"10000\r\n" + b"x" * (1 << 16) + b"\r\n")


async def test_a_client_that_leaves_a_safe_answer_frees_the_upstreams_connection() -> None:
    async with raw_upstream(endless) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(GET)
        await client.head()
        client.reset()
        assert delivered(await running.exchange()) == (UNKNOWN, [(UNKNOWN, 200, "CancelledError")])
        await freed(running, idle=0)


async def test_a_client_that_waits_for_nothing_frees_the_connection_of_a_safe_request() -> None:
    async with raw_upstream(answering(never())) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(GET)
        await upstream.connected()
        client.reset()
        assert delivered(await running.exchange()) == (UNKNOWN, [(UNKNOWN, None, "CancelledError")])
        await freed(running, idle=0)


async def test_an_unsafe_request_whose_client_has_gone_is_followed_to_its_answer() -> None:
    gate = asyncio.Event()
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    long = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (4 << 20)
    async with raw_upstream(answering(gate, long, b"x" * (4 << 20))) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(POST)
        await upstream.connected()
        client.reset()
        await until(lambda: not running.clients.connections)
        gone.set_result(None)
        gate.set()
        assert delivered(await running.exchange()) == (ANSWERED, [(ANSWERED, 200, None)])
        await freed(running, idle=1)


async def test_a_client_that_leaves_while_its_answer_waits_here_leaves_the_next_exchange_alone() -> None:
    """The connection serves another by then."""
    gate = asyncio.Event()
    long = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (1 << 18) + b"x" * (1 << 18)

    async def slow(exchange: Exchange) -> None:
        if exchange.request.method == "GET":
            here.set()
            await never().wait()

    here = asyncio.Event()
    talks = [answering(long[:100], here, long[100:]), answering(gate, OK)]
    async with raw_upstream(*talks) as upstream, gateway(upstream, filters=[filter_of(on_response=slow)]) as running:
        leaving = await running.connect()
        await leaving.send(GET)
        await until(lambda: running.pool.stats()["idle"] == 1)
        paying = await running.connect()
        await paying.send(POST)
        await until(lambda: running.pool.stats()["idle"] == 0)
        leaving.reset()
        left = await running.exchange()
        gate.set()
        assert (await paying.answer()).body == b"ok"
        assert (await running.exchange()).delivery is ANSWERED
        assert delivered(left) == (ANSWERED, [(ANSWERED, 200, "CancelledError")])
        assert len(upstream.peers) == 1


# memory


def rss() -> int:
    gc.collect()
    return psutil.Process(os.getpid()).memory_info().rss


SIZES = [
    pytest.param(64 << 20, id="64MiB"),
    pytest.param(1 << 30, id="1GiB", marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
]


@pytest.mark.parametrize("size", SIZES)
async def test_a_large_download_passes_in_flat_memory(size) -> None:
    async def large(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(size >> 16):
            await peer.send(b"x" * (1 << 16))

    async with raw_upstream(large) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(GET)
        await client.head()
        before, received = rss(), 0
        while received < size:
            received += len(await client.read(1 << 18))
        assert rss() - before < 16 << 20
        assert received == size
        assert (await running.exchange()).bytes_out == size
        await freed(running, idle=1)


@pytest.mark.parametrize("size", SIZES)
async def test_a_large_upload_passes_in_flat_memory(size) -> None:
    received = 0

    async def takes(peer: Peer) -> None:
        nonlocal received
        await peer.head()
        while received < size:
            received += len(await peer.read(1 << 18))
        await peer.send(OK)

    async with raw_upstream(takes) as upstream, gateway(upstream) as running:
        client = await running.connect()
        before = rss()
        await push(client, size)
        assert (await client.answer()).body == b"ok"
        assert rss() - before < 16 << 20
        assert received == size
        assert (await running.exchange()).bytes_in == size


async def test_a_client_that_reads_nothing_holds_the_upstream_back() -> None:
    sent = 0

    async def counts(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (64 << 20))
        for _ in range(1 << 10):
            await peer.send(b"x" * (1 << 16))
            sent += 1 << 16

    async with raw_upstream(counts) as upstream, gateway(upstream) as running:
        client = await running.connect(receive_buffer=1 << 12)
        await client.send(GET)
        await client.head()
        connection = next(iter(running.pool._all))
        await until(lambda: connection.transport is not None and not connection.transport.is_reading())
        assert sent < 32 << 20
        client.reset()
        await freed(running, idle=0)


async def test_an_upstream_that_reads_nothing_holds_the_client_back() -> None:
    async def reads_nothing(peer: Peer) -> None:
        await peer.head()
        await gate.wait()
        await peer.close()

    gate = asyncio.Event()
    async with raw_upstream(reads_nothing) as upstream, gateway(upstream) as running:
        client = await running.connect()
        await client.send(upload_head(64 << 20))
        pushing = asyncio.create_task(push_body(client, 64 << 20))
        protocol = next(iter(running.clients.connections))
        await until(lambda: not protocol.outlet.reading)
        assert not pushing.done()
        gate.set()
        assert (await client.answer()).status == 502
        pushing.cancel()


async def push_body(client: Client, size: int) -> None:
    for _ in range(size >> 16):
        await client.send(b"x" * (1 << 16))


# what several attempts make certain


def after(*attempts: tuple[Delivery, int | None], method: str = "POST") -> Exchange:
    made = made_exchange(method)
    made.attempts = [
        Attempt(number, 0.0, delivery=delivery, status=status)
        for number, (delivery, status) in enumerate(attempts, start=1)
    ]
    return made


@pytest.mark.parametrize(
    ("attempts", "otherwise", "idempotent"),
    [
        ([(UNSENT, None), (UNSENT, None)], UNSENT, UNSENT),
        ([(UNSENT, None), (ANSWERED, 200)], ANSWERED, ANSWERED),
        ([(UNSENT, None), (UNKNOWN, None)], UNKNOWN, UNKNOWN),
        ([(UNKNOWN, None), (ANSWERED, 200)], UNKNOWN, ANSWERED),
        ([(UNKNOWN, None), (ANSWERED, 402)], UNKNOWN, ANSWERED),
        ([(UNKNOWN, None), (ANSWERED, 503)], UNKNOWN, UNKNOWN),
        ([(UNKNOWN, None), (UNSENT, None)], UNKNOWN, UNKNOWN),
        ([(ANSWERED, 503), (ANSWERED, 200)], UNKNOWN, ANSWERED),
        ([(ANSWERED, 503), (UNSENT, None)], UNKNOWN, UNKNOWN),
        ([(ANSWERED, 503), (UNKNOWN, None)], UNKNOWN, UNKNOWN),
        ([(ANSWERED, 503), (ANSWERED, 429)], UNKNOWN, UNKNOWN),
        *[([(UNKNOWN, None), (ANSWERED, status)], UNKNOWN, UNKNOWN) for status in sorted(INCONCLUSIVE)],
    ],
)
def test_only_a_conclusive_answer_to_the_same_key_settles_an_attempt_before_it(attempts, otherwise, idempotent) -> None:
    assert deliver(after(*attempts), idempotent=False) is otherwise
    assert deliver(after(*attempts), idempotent=True) is idempotent


def test_a_safe_request_that_was_answered_before_is_answered() -> None:
    assert deliver(after((ANSWERED, 503), (ANSWERED, 200), method="GET"), idempotent=False) is ANSWERED
    assert deliver(after((ANSWERED, 503), (UNSENT, None), method="GET"), idempotent=False) is ANSWERED
    assert deliver(after((UNKNOWN, None), (ANSWERED, 200), method="GET"), idempotent=False) is UNKNOWN
