"""One connection to an upstream that says what it should, too much, too little, or something else entirely."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dataplane.answer import Answer
from gateway.dataplane.connection import HEADER_BYTES, HIGH_WATER, TRAILER_BYTES, Connection
from gateway.dataplane.pool import Pool
from gateway.errors import UpstreamBroken
from tests.gateway.dataplane.harness import (
    OK,
    PATIENT,
    Peer,
    RawUpstream,
    Talk,
    answering,
    raw_upstream,
    reads_and_resets,
    then_closes,
    until,
)
from tests.gateway.dataplane.test_pool import GET, pool_to, soon

HEAD = b"HEAD / HTTP/1.1\r\nhost: backend\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: backend\r\ntransfer-encoding: chunked\r\n\r\n"


ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


@dataclass
class Told:
    """What one exchange came to."""

    answer: Answer
    body: bytes
    error: str | None

    @property
    def status(self) -> int:
        return self.answer.status


async def told(answer: Answer) -> Told:
    """Read to the end, whatever it is."""
    body = b""
    async with asyncio.timeout(PATIENT):
        try:
            await answer.read_head()
            while piece := await answer.read():
                body += piece
        except UpstreamBroken as error:
            return Told(answer, body, error.detail)
    return Told(answer, body, None)


async def ask(pool: Pool, data: bytes = GET, *, head_only: bool = False) -> Told:
    connection = await pool.acquire(soon())
    return await told(connection.begin(data, head_only=head_only, written=True))


@asynccontextmanager
async def saying(*talks: Talk | bytes):
    """A pool of one connection to an upstream that says these, and then OK."""
    async with raw_upstream(*talks) as upstream, pool_to(upstream, connections=1) as pool:
        yield upstream, pool


async def serves_on(pool: Pool, upstream: RawUpstream, *, connections: int) -> None:
    """The next exchange hears its own answer, on the connection of that number."""
    assert (await ask(pool)).body == b"ok"
    assert len(upstream.peers) == connections
    await until(lambda: pool.stats()["idle"] == 1)


# answers


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (ANSWER, b"hello"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", b"hello"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 1234\r\n\r\n", b""),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER, b"hello"),
        (
            b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n" + ANSWER,
            b"hello",
        ),
    ],
)
async def test_a_whole_answer_is_read_and_its_connection_used_again(answer, body) -> None:
    async with saying(answer) as (upstream, pool):
        heard = await ask(pool)
        assert (heard.body, heard.error) == (body, None)
        assert (b"link", b"</a.css>") not in heard.answer.headers
        assert b"</a.css>" not in heard.answer.pieces
        await serves_on(pool, upstream, connections=1)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
)
async def test_the_answer_to_head_has_no_body_whatever_length_it_tells(head) -> None:
    async with saying(head, head) as (upstream, pool):
        for _ in range(2):
            heard = await ask(pool, HEAD, head_only=True)
            assert (heard.status, heard.body, heard.error) == (200, b"", None)
        await serves_on(pool, upstream, connections=1)


async def test_trailers_are_dropped() -> None:
    answer = b"HTTP/1.1 200 OK\r\nx-a: 1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-b: 2\r\nx-a: 3\r\n\r\n"
    async with saying(answer) as (upstream, pool):
        heard = await ask(pool)
        assert heard.answer.headers == [(b"x-a", b"1"), (b"transfer-encoding", b"chunked")]
        assert heard.body == b"ok"
        await serves_on(pool, upstream, connections=1)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nConnection: x-a, Close\r\ncontent-length: 2\r\n\r\nok",
    ],
)
async def test_a_connection_that_the_upstream_will_close_is_not_used_again(answer) -> None:
    async with saying(answer) as (upstream, pool):
        assert (await ask(pool)).body == b"ok"
        await serves_on(pool, upstream, connections=2)


async def test_an_answer_without_length_ends_with_its_connection() -> None:
    async with saying(then_closes(answering(b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo"))) as (upstream, pool):
        heard = await ask(pool)
        assert (heard.body, heard.error) == (b"hello", None)
        await serves_on(pool, upstream, connections=2)


pieces = st.lists(st.integers(1, 40), max_size=30)
WHOLE = (
    b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n"
    b"HTTP/1.1 201 Created\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ntransfer-encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;x\r\n world\r\n0\r\nx-trailer: t\r\n\r\n"
)


@settings(deadline=None, max_examples=50)
@given(pieces)
async def test_it_is_one_answer_however_it_is_cut(sizes) -> None:
    async with saying() as (_, pool):
        connection = await pool.acquire(soon())
        answer = connection.begin(GET, head_only=False, written=False)
        connection.written()
        for piece in cut(WHOLE, sizes):
            connection.data_received(piece)  # as the transport does
        heard = await told(answer)
        assert (heard.status, heard.body, heard.error) == (201, b"hello world", None)
        assert heard.answer.headers[:2] == [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
        assert len(heard.answer.headers) == 3
        assert connection.quiet
        assert pool.take() is connection


def cut(data: bytes, sizes: list[int]):
    for size in sizes:
        if data:
            yield data[:size]
            data = data[size:]
    if data:
        yield data


# answers that are none


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
        b"HTTP/1.1 200 OK\r\nx-a: a\rb\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nx-a: a\0b\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nx-a: a\r\n folded\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nx a: b\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok",
        b"HTTP/1.1 099 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/3.7 200 OK\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x02hi",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x03\x00\x02\x02\x50",
        b"<html>no head at all</html>",
    ],
)
async def test_what_is_not_one_clear_answer_is_broken_and_its_connection_closed(answer) -> None:
    async with saying(answer) as (upstream, pool):
        heard = await ask(pool)
        assert heard.error is not None
        assert heard.status == 0 or heard.body == b""
        await serves_on(pool, upstream, connections=2)


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * (HEADER_BYTES // 8),
        b"HTTP/1.1 200 OK\r\nx-a: " + b"b" * HEADER_BYTES,
        b"HTTP/1.1 200 " + b"O" * HEADER_BYTES,
        b"HTTP/1.1 200 OK\r\n" + b"x" * HEADER_BYTES,
    ],
)
async def test_a_head_beyond_all_bounds_is_broken_before_it_ends(endless) -> None:
    async with saying(answering(endless)) as (upstream, pool):
        heard = await ask(pool)
        assert heard.error is not None
        assert "bytes of headers" in heard.error
        await serves_on(pool, upstream, connections=2)


async def test_trailers_beyond_all_bounds_are_broken_before_they_end() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
    async with saying(answering(head, b"x-a: " + b"b" * (2 * TRAILER_BYTES))) as (upstream, pool):
        heard = await ask(pool)
        assert heard.error is not None
        assert "bytes of trailers" in heard.error
        await serves_on(pool, upstream, connections=2)


# answers that end too soon


@pytest.mark.parametrize(
    ("start", "where"),
    [
        (b"", "before"),
        (b"HTTP/1.1 2", "before"),
        (b"HTTP/1.1 200 OK\r\nx-a: b\r\n", "before"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "before"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "within"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell", "within"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "within"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel", "within"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", "within"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "within"),
    ],
)
@pytest.mark.parametrize("reset", [False, True])
async def test_an_answer_that_is_cut_off_is_broken(start, where, reset) -> None:
    async def cut_off(peer: Peer) -> None:
        await peer.request()
        await peer.send(start)
        if reset:
            peer.reset()
        else:
            await peer.close()

    async with saying(cut_off) as (upstream, pool):
        heard = await ask(pool)
        assert heard.error is not None
        assert reset or where in heard.error
        await serves_on(pool, upstream, connections=2)


async def test_an_answer_without_length_that_is_reset_is_not_whole() -> None:
    arrived = asyncio.Event()

    async def starts_and_resets(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhel")
        await arrived.wait()
        peer.reset()

    async with saying(starts_and_resets) as (_, pool):
        connection = await pool.acquire(soon())
        answer = connection.begin(GET, head_only=False, written=True)
        assert await answer.read() == b"hel"
        arrived.set()
        assert (await told(answer)).error is not None


async def test_what_arrived_before_the_end_can_still_be_read() -> None:
    part = then_closes(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel"))
    async with saying(part) as (_, pool):
        connection = await pool.acquire(soon())
        answer = connection.begin(GET, head_only=False, written=True)
        await until(lambda: answer.error)
        assert await answer.read() == b"hel"
        with pytest.raises(UpstreamBroken):
            await answer.read()


async def test_a_reset_before_the_answer_is_broken() -> None:
    async with saying(reads_and_resets) as (upstream, pool):
        assert (await ask(pool)).error is not None
        await serves_on(pool, upstream, connections=2)


# answers that say too much

EVIL = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        (GET, OK + b"x"),
        (GET, OK + EVIL),
        (GET, OK + EVIL[:20]),
        (GET, OK + b"HTTP/1.1 100 Continue\r\n\r\n"),
        (GET, b"HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nevil"),
        (GET, b"HTTP/1.1 304 Not Modified\r\n\r\n" + EVIL),
        (GET, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + EVIL),
        (GET, b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok" + EVIL),
        (HEAD, b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"),
        (HEAD, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" + EVIL),
        (HEAD, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n"),
    ],
)
async def test_what_comes_with_an_answer_and_is_none_of_it_never_reaches_the_next_request(method, answer) -> None:
    async with saying(answer) as (upstream, pool):
        heard = await ask(pool, method, head_only=method is HEAD)
        assert heard.error is None
        assert b"evil" not in heard.body
        await serves_on(pool, upstream, connections=2)


async def test_what_comes_on_an_idle_connection_closes_it() -> None:
    async with saying() as (upstream, pool):
        await ask(pool)
        await upstream.peers[0].send(EVIL)
        await until(lambda: pool.stats()["open"] == 0)
        await serves_on(pool, upstream, connections=2)


async def test_what_comes_before_the_request_closes_the_connection() -> None:
    async with saying() as (upstream, pool):
        connection = await pool.acquire(soon())
        await (await upstream.connected()).send(EVIL)
        await until(lambda: not connection.usable)


async def test_what_comes_while_a_request_is_still_written_closes_the_connection() -> None:
    heard = asyncio.Event()

    async def early(peer: Peer) -> None:
        await peer.head()
        await peer.send(OK)
        await heard.wait()
        await peer.send(EVIL)

    async with saying(early) as (_, pool):
        connection = await pool.acquire(soon())
        answer = connection.begin(POST, head_only=False, written=False)
        assert (await told(answer)).body == b"ok"
        heard.set()
        await until(lambda: not connection.usable)
        with pytest.raises(UpstreamBroken):
            await connection.write(b"2\r\nok\r\n")
        connection.written()
        await until(lambda: pool.stats()["open"] == 0)


# one exchange and the next


async def test_an_early_answer_does_not_free_the_connection_before_all_was_written() -> None:
    async def early(peer: Peer) -> None:
        head = await peer.head()
        await peer.send(OK)
        await peer.body(head)

    async with saying(early) as (upstream, pool):
        connection = await pool.acquire(soon())
        answer = connection.begin(POST, head_only=False, written=False)
        assert (await told(answer)).body == b"ok"
        assert pool.stats()["idle"] == 0
        await connection.write(b"0\r\n\r\n")
        connection.written()
        assert pool.take() is connection
        pool.release(connection)
        await serves_on(pool, upstream, connections=1)


LONG = b"x" * (HIGH_WATER + 1)
"""With its last byte, reading is paused, and it is complete."""


def answer_of(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


async def test_an_exchange_hears_its_answer_though_the_one_before_it_is_still_being_read() -> None:
    async with saying(answer_of(LONG)) as (upstream, pool):
        connection = await pool.acquire(soon())
        slow = connection.begin(GET, head_only=False, written=True)
        await until(lambda: slow.complete)
        await serves_on(pool, upstream, connections=1)
        assert (await told(slow)).body == LONG


async def test_whoever_leaves_an_answer_that_is_complete_leaves_the_next_exchange_alone() -> None:
    gate = asyncio.Event()
    async with saying(answer_of(LONG), answering(gate, OK)) as (upstream, pool):
        connection = await pool.acquire(soon())
        slow = connection.begin(GET, head_only=False, written=True)
        await until(lambda: slow.complete)
        async with asyncio.TaskGroup() as group:
            following = group.create_task(ask(pool))
            await until(lambda: pool.stats()["idle"] == 0)
            connection.leave(slow)
            gate.set()
        assert (following.result().body, following.result().error) == (b"ok", None)
        await serves_on(pool, upstream, connections=1)


async def test_whoever_leaves_an_answer_before_it_is_complete_ends_the_connection() -> None:
    async with saying(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel")) as (upstream, pool):
        connection = await pool.acquire(soon())
        answer = connection.begin(GET, head_only=False, written=True)
        await answer.read_head()
        connection.leave(answer)
        await until(lambda: pool.stats()["open"] == 0)
        await serves_on(pool, upstream, connections=2)


async def test_a_limit_that_passes_fails_the_answer_it_was_set_for() -> None:
    async with saying(answering(asyncio.Event())) as (_, pool):
        connection = await pool.acquire(soon())
        answer = connection.begin(GET, head_only=False, written=True)
        answer.limit(0.0, lambda: UpstreamBroken("late"))
        assert (await told(answer)).error == "late"
        await until(lambda: pool.stats()["open"] == 0)


async def test_a_limit_that_passes_after_its_answer_was_complete_fails_nobody() -> None:
    swept = asyncio.Event()
    async with saying(answer_of(LONG), answering(swept, OK)) as (_, pool):
        connection = await pool.acquire(soon())
        slow = connection.begin(GET, head_only=False, written=True)
        await until(lambda: slow.complete)
        async with asyncio.TaskGroup() as group:
            following = group.create_task(ask(pool))
            await until(lambda: pool.stats()["idle"] == 0)
            slow.limit(0.0, lambda: UpstreamBroken("late"))
            connection.sweep(soon())
            swept.set()
        assert following.result().error is None
        assert (await told(slow)).body == LONG


# back-pressure


async def test_an_answer_that_nobody_reads_is_not_pulled() -> None:
    size = 64 << 20
    sent = 0

    async def endless(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        while sent < size:
            await peer.send(b"x" * (1 << 16))
            sent += 1 << 16

    async with saying(endless) as (upstream, pool):
        connection = await pool.acquire(soon())
        answer = connection.begin(GET, head_only=False, written=True)
        await until(lambda: connection.transport is not None and not connection.transport.is_reading())
        assert answer.size < 2 * HIGH_WATER + (1 << 10)
        received = 0
        async with asyncio.timeout(PATIENT * 4):
            while piece := await answer.read():
                received += len(piece)
                assert len(piece) < 2 * HIGH_WATER + (1 << 10)
        assert received == size
        await serves_on(pool, upstream, connections=1)


async def test_a_request_is_written_as_the_upstream_reads_it() -> None:
    gate = asyncio.Event()
    size = 8 << 20

    async def slow(peer: Peer) -> None:
        head = await peer.head()
        await gate.wait()
        assert len(await peer.body(head)) == size
        await peer.send(OK)

    written = 0

    async def upload(connection: Connection) -> None:
        nonlocal written
        while written < size:
            await connection.write(b"10000\r\n" + b"x" * (1 << 16) + b"\r\n")
            written += 1 << 16
        await connection.write(b"0\r\n\r\n")
        connection.written()

    async with saying(slow) as (upstream, pool):
        connection = await pool.acquire(soon())
        answer = connection.begin(POST, head_only=False, written=False)
        async with asyncio.TaskGroup() as group:
            group.create_task(upload(connection))
            await until(lambda: connection.transport.get_write_buffer_size() > 1 << 16)
            assert connection.transport.get_write_buffer_size() < 1 << 18
            assert written < size
            gate.set()
            assert (await told(answer)).body == b"ok"
        await serves_on(pool, upstream, connections=1)


async def test_a_writer_that_waits_learns_that_the_upstream_is_gone() -> None:
    async def reads_nothing(peer: Peer) -> None:
        await peer.head()
        await gate.wait()
        peer.reset()

    gate = asyncio.Event()
    async with saying(reads_nothing) as (_, pool):
        connection = await pool.acquire(soon())
        connection.begin(POST, head_only=False, written=False)

        async def upload() -> None:
            while True:
                await connection.write(b"10000\r\n" + b"x" * (1 << 16) + b"\r\n")

        uploading = asyncio.create_task(upload())
        await until(lambda: connection.transport.get_write_buffer_size() > 1 << 16)
        gate.set()
        with pytest.raises(UpstreamBroken):
            await uploading
        assert pool.stats()["open"] == 0
