"""The pool under httpx: what plugins, checks and jobs rely on when they speak plain httpx over it."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from time import monotonic

import httpx
import pytest
import trustme

from gateway.dataplane.connection import HIGH_WATER
from gateway.dataplane.pool import PoolOptions
from gateway.dataplane.transport import PoolTransport
from tests.gateway.dataplane.harness import (
    OK,
    PATIENT,
    RawUpstream,
    answering,
    raw_upstream,
    reads_and_closes,
    then_closes,
    until,
)
from tests.gateway.dataplane.test_connection import answer_of
from tests.gateway.dataplane.test_pool import full_listener, serving, tls_upstream, unused_port

never = asyncio.Event
BEGUN = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel"


@asynccontextmanager
async def client_of(
    upstream: RawUpstream | None = None, *, scheme: str = "http", origins: int = 64, tls=None, **options
):
    transport = PoolTransport(PoolOptions(**{"connect": PATIENT, "wait": PATIENT} | options), tls=tls, origins=origins)
    url = f"{scheme}://localhost:{upstream.port}" if upstream else ""
    async with httpx.AsyncClient(transport=transport, base_url=url, timeout=PATIENT) as client:
        client.pools = transport._pools
        yield client


def stats(client: httpx.AsyncClient) -> dict[str, int]:
    (pool,) = client.pools.values()
    return pool.stats()


# requests and answers


async def test_get_and_post_go_over_one_kept_connection() -> None:
    answer = b"HTTP/1.1 201 Created\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 2\r\n\r\nok"
    async with raw_upstream(OK, answer) as upstream, client_of(upstream) as client:
        assert (await client.get("/a?b=%2F")).text == "ok"
        created = await client.post("/c", json={"d": 1}, headers={"x-e": "f"})
        assert (created.status_code, created.headers.get_list("set-cookie")) == (201, ["a=1", "b=2"])
        asked, posted = upstream.requests
        assert asked.start == "GET /a?b=%2F HTTP/1.1"
        assert asked.get("host") == f"localhost:{upstream.port}"
        assert asked.get("content-length") is None
        assert (posted.get("content-length"), posted.body, posted.get("x-e")) == ("7", b'{"d":1}', "f")
        assert posted.get("connection") is None
        assert len(upstream.peers) == 1
        assert stats(client)["idle"] == 1


async def test_a_body_that_is_made_in_pieces_is_sent_whole() -> None:
    async def pieces():
        yield b"one"
        yield b"two"

    async with raw_upstream() as upstream, client_of(upstream) as client:
        await client.post("/", content=pieces())
        assert (upstream.requests[0].get("content-length"), upstream.requests[0].body) == ("6", b"onetwo")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\ncontent-length: 1234\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ],
)
async def test_answers_without_a_body_leave_the_connection_usable(head) -> None:
    async with raw_upstream(head) as upstream, client_of(upstream) as client:
        assert (await client.head("/")).content == b""
        assert (await client.get("/")).text == "ok"
        assert len(upstream.peers) == 1


async def test_an_answer_streams() -> None:
    gate = asyncio.Event()
    talk = answering(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n", gate, b"3\r\ntwo\r\n0\r\n\r\n"
    )
    async with raw_upstream(talk) as upstream, client_of(upstream) as client:
        async with client.stream("GET", "/") as answer:
            pieces = answer.aiter_raw()
            assert await anext(pieces) == b"one"
            gate.set()
            assert b"".join([piece async for piece in pieces]) == b"two"
        assert (await client.get("/")).text == "ok"
        assert len(upstream.peers) == 1


async def test_tls_is_verified() -> None:
    ca = trustme.CA()
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    async with tls_upstream(serving(ca)) as upstream:
        async with client_of(upstream, scheme="https", tls=trusting) as client:
            assert (await client.get("/")).text == "ok"
        async with client_of(upstream, scheme="https") as client:
            with pytest.raises(httpx.ConnectError):
                await client.get("/")


# errors


async def test_a_refused_connection_is_a_connect_error() -> None:
    async with client_of() as client:
        with pytest.raises(httpx.ConnectError) as error:
            await client.get(f"http://localhost:{unused_port()}/")
        assert error.value.request.url.path == "/"


async def test_a_connection_that_is_not_accepted_is_a_connect_timeout() -> None:
    with full_listener() as address:
        async with client_of() as client:
            with pytest.raises(httpx.ConnectTimeout):
                await client.get(f"http://127.0.0.1:{address.port}/", timeout=httpx.Timeout(PATIENT, connect=0.02))


async def test_a_full_pool_is_a_pool_timeout() -> None:
    gate = asyncio.Event()
    async with raw_upstream(answering(gate, OK)) as upstream, client_of(upstream, connections=1) as client:
        first = asyncio.create_task(client.get("/"))
        await upstream.connected()
        with pytest.raises(httpx.PoolTimeout):
            await client.get("/", timeout=httpx.Timeout(PATIENT, pool=0.01))
        gate.set()
        assert (await first).text == "ok"


async def test_an_answer_that_does_not_begin_is_a_read_timeout_and_its_connection_closed() -> None:
    async with raw_upstream(answering(never())) as upstream, client_of(upstream) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/", timeout=httpx.Timeout(PATIENT, read=0.02))
        await until(lambda: stats(client)["open"] == 0)
        assert (await client.get("/")).text == "ok"


async def test_an_answer_that_falls_silent_is_a_read_timeout() -> None:
    async with raw_upstream(answering(BEGUN, never())) as upstream, client_of(upstream) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/", timeout=httpx.Timeout(PATIENT, read=0.05))
        await until(lambda: stats(client)["open"] == 0)


@pytest.mark.parametrize(
    "talk", [reads_and_closes, then_closes(answering(BEGUN)), answering(b"nonsense\r\n\r\n"), then_closes(answering())]
)
async def test_a_broken_answer_is_a_remote_protocol_error(talk) -> None:
    async with raw_upstream(talk) as upstream, client_of(upstream) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/")
        await until(lambda: stats(client)["open"] == 0)
        assert (await client.get("/")).text == "ok"


@pytest.mark.parametrize("headers", [{"x-a": "b\r\nx-evil: 1"}, {"x-a\r\nx-evil": "1"}, {"x-a": "b\n"}, {"x-a": "b\0"}])
async def test_a_header_that_would_break_its_line_is_never_sent(headers) -> None:
    async with raw_upstream() as upstream, client_of(upstream) as client:
        with pytest.raises(httpx.LocalProtocolError):
            await client.get("/", headers=headers)
        assert upstream.peers == []


async def test_a_length_or_coding_of_the_callers_own_is_not_sent_beside_the_true_one() -> None:
    async with raw_upstream() as upstream, client_of(upstream) as client:
        await client.post("/", content=b"{}", headers={"Content-Length": "999", "Transfer-Encoding": "chunked"})
        assert upstream.requests[0].all("content-length") == ["2"]
        assert upstream.requests[0].all("transfer-encoding") == []


async def test_other_schemes_are_not_spoken() -> None:
    async with client_of() as client:
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.get("ftp://localhost/")


# time and leaving


async def test_a_reader_may_take_longer_than_the_upstream_may() -> None:
    gate = asyncio.Event()
    talk = answering(BEGUN, gate, b"lo")
    async with raw_upstream(talk) as upstream, client_of(upstream) as client:
        async with client.stream("GET", "/", timeout=httpx.Timeout(PATIENT, read=0.2)) as answer:
            (pool,) = client.pools.values()
            (connection,) = pool._all
            connection.sweep(monotonic() + 3600)  # as if an hour had passed
            assert connection.usable
            gate.set()
            assert await answer.aread() == b"hello"
        assert stats(client)["idle"] == 1


async def test_whoever_leaves_a_stream_ends_its_connection() -> None:
    async with raw_upstream(answering(BEGUN, never())) as upstream, client_of(upstream) as client:
        async with client.stream("GET", "/"):
            pass
        await until(lambda: stats(client)["open"] == 0)
        assert (await client.get("/")).text == "ok"


async def test_whoever_is_cancelled_ends_its_connection() -> None:
    async with raw_upstream(answering(never())) as upstream, client_of(upstream, connections=1) as client:
        asking = asyncio.create_task(client.get("/"))
        await upstream.connected()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(lambda: stats(client)["open"] == 0)
        assert (await client.get("/")).text == "ok"


async def test_whoever_leaves_an_answer_that_is_all_here_leaves_the_next_request_alone() -> None:
    gate = asyncio.Event()
    talks = [answer_of(b"x" * HIGH_WATER), answering(gate, OK)]
    async with raw_upstream(*talks) as upstream, client_of(upstream) as client:
        async with client.stream("GET", "/"):
            await until(lambda: stats(client)["idle"] == 1)
            following = asyncio.create_task(client.get("/"))
            await until(lambda: stats(client)["idle"] == 0)
        gate.set()
        assert (await following).text == "ok"
        assert len(upstream.peers) == 1


async def test_a_cancellation_in_the_instant_of_the_answer_leaves_the_next_request_alone() -> None:
    gate = asyncio.Event()
    async with raw_upstream(answering(gate, OK)) as upstream, client_of(upstream, connections=1) as client:
        asking = asyncio.create_task(client.get("/"))
        await upstream.connected()
        following = asyncio.create_task(client.get("/"))
        await until(lambda: stats(client)["waiting"] == 1)
        (pool,) = client.pools.values()
        (connection,) = pool._all
        await until(lambda: not connection._pending)
        connection.data_received(OK)  # as the transport does: it is complete, and the next one's
        asking.cancel()
        await asyncio.wait([asking])
        await until(lambda: connection._answer is not None and not connection._pending)  # the next one's is written
        gate.set()
        assert (await following).text == "ok"


# origins


async def test_each_origin_has_a_pool_and_there_are_only_so_many_in_use() -> None:
    gate = asyncio.Event()
    async with raw_upstream(answering(gate, OK)) as one, raw_upstream() as two, client_of(origins=1) as client:
        asking = asyncio.create_task(client.get(f"http://localhost:{one.port}/"))
        await one.connected()
        with pytest.raises(httpx.PoolTimeout):
            await client.get(f"http://localhost:{two.port}/")
        gate.set()
        assert (await asking).text == "ok"


async def test_an_origin_that_is_no_longer_used_makes_room_for_another() -> None:
    async with client_of(origins=2, idle=0.02) as client:
        for _ in range(5):
            async with raw_upstream() as upstream:
                assert (await client.get(f"http://localhost:{upstream.port}/")).text == "ok"
                await until(lambda: all(pool.unused for pool in client.pools.values()))
        assert len(client.pools) == 2


async def test_closing_closes_what_is_kept() -> None:
    async with raw_upstream() as upstream:
        async with client_of(upstream) as client:
            await client.get("/")
            (pool,) = client.pools.values()
        await until(lambda: pool.stats()["open"] == 0)
