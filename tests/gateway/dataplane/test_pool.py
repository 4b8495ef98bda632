"""The pool, against real listeners: how many connections, for whom, how long, and that none is ever lost count of."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from time import monotonic

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.dataplane.connection import Connection
from gateway.dataplane.pool import Address, Pool, PoolOptions
from gateway.errors import ConnectTimeout, PoolExhausted, TlsFailed, UpstreamError, UpstreamUnreachable
from tests.gateway.dataplane.harness import (
    OK,
    PATIENT,
    Peer,
    RawUpstream,
    answering,
    closes,
    raw_upstream,
    until,
)

GET = b"GET / HTTP/1.1\r\nhost: backend\r\n\r\n"


def soon() -> float:
    return monotonic() + PATIENT


@asynccontextmanager
async def pool_to(to: RawUpstream | Address, **options):
    address = to if isinstance(to, Address) else Address("http", "127.0.0.1", to.port)
    pool = Pool(address, PoolOptions(**{"connect": PATIENT, "wait": PATIENT, "idle": PATIENT} | options))
    try:
        yield pool
    finally:
        await pool.close()


async def ask(pool: Pool, data: bytes = GET) -> bytes:
    """The body of the answer to ``data`` on a connection of the pool."""
    return await read(connection=await pool.acquire(soon()), data=data)


async def read(connection: Connection, data: bytes = GET) -> bytes:
    answer = connection.begin(data, head_only=False, written=True)
    async with asyncio.timeout(PATIENT):
        await answer.read_head()
        return b"".join([piece async for piece in _pieces(answer)])


async def _pieces(answer):
    while piece := await answer.read():
        yield piece


async def waiting(pool: Pool, count: int) -> None:
    await until(lambda: pool.stats()["waiting"] == count)


def at_rest(pool: Pool) -> bool:
    stats = pool.stats()
    return stats["waiting"] == 0 and stats["open"] == stats["idle"]


# reuse


async def test_a_connection_is_kept_and_used_again() -> None:
    async with raw_upstream() as upstream, pool_to(upstream) as pool:
        for _ in range(3):
            assert await ask(pool) == b"ok"
        assert len(upstream.peers) == 1
        assert pool.stats() | {"idle": 1} == pool.stats()
        assert (pool.stats()["opened_total"], pool.stats()["reused_total"]) == (1, 2)


async def test_the_connection_that_was_used_last_is_used_next() -> None:
    async with raw_upstream() as upstream, pool_to(upstream) as pool:
        first, second = await pool.acquire(soon()), await pool.acquire(soon())
        await read(first)
        await read(second)
        assert pool.take() is second
        assert pool.take() is first
        assert pool.take() is None


async def test_whoever_asks_for_a_fresh_connection_gets_one_even_where_idle_ones_fill_the_pool() -> None:
    async with raw_upstream() as upstream, pool_to(upstream, connections=1) as pool:
        await ask(pool)
        connection = await pool.acquire(soon(), fresh=True)
        assert connection.fresh
        assert await read(connection) == b"ok"
        assert pool.stats()["open"] == 1
        assert len(upstream.peers) == 2


async def test_a_connection_that_the_upstream_closes_while_idle_leaves_the_pool() -> None:
    async with raw_upstream() as upstream, pool_to(upstream, connections=1) as pool:
        await ask(pool)
        await upstream.peers[0].close()
        await until(lambda: pool.stats()["open"] == 0)
        assert await ask(pool) == b"ok"
        assert len(upstream.peers) == 2


async def test_a_connection_whose_end_is_here_but_not_yet_noticed_is_not_used() -> None:
    async with raw_upstream() as upstream, pool_to(upstream, connections=1) as pool:
        await ask(pool)
        with behind(upstream.peers[0]) as sock:
            sock.shutdown(socket.SHUT_WR)  # and no turn of the loop before the next request
        assert await ask(pool) == b"ok"
        assert len(upstream.peers) == 2


async def test_a_connection_on_which_the_upstream_spoke_unasked_and_unnoticed_is_not_used() -> None:
    async with raw_upstream() as upstream, pool_to(upstream, connections=1) as pool:
        await ask(pool)
        with behind(upstream.peers[0]) as sock:
            sock.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        assert await ask(pool) == b"ok"
        assert len(upstream.peers) == 2


# bounds and waiting


async def test_no_more_connections_are_opened_than_the_bound_and_the_rest_wait() -> None:
    gate = asyncio.Event()
    async with raw_upstream(otherwise=OK) as upstream, pool_to(upstream, connections=2) as pool:
        upstream.will(*[answering(gate, OK)] * 5)
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(ask(pool)) for _ in range(5)]
            await waiting(pool, 3)
            await until(lambda: pool.stats()["open"] == 2)
            gate.set()
        assert [task.result() for task in asked] == [b"ok"] * 5
        assert len(upstream.peers) == 2
        assert at_rest(pool)


async def test_those_who_wait_are_served_in_order() -> None:
    served: list[int] = []

    async def take_turn(pool: Pool, number: int) -> None:
        connection = await pool.acquire(soon())
        served.append(number)
        await read(connection)

    async with raw_upstream() as upstream, pool_to(upstream, connections=1) as pool:
        held = await pool.acquire(soon())
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(take_turn(pool, number))
                await waiting(pool, number + 1)
            pool.release(held)
        assert served == [0, 1, 2, 3]


@pytest.mark.parametrize("options", [{"wait": 0.01}, {"waiting": 0}])
async def test_whoever_waits_too_long_or_behind_too_many_is_refused_and_told_to_come_back(options) -> None:
    async with raw_upstream() as upstream, pool_to(upstream, connections=1, **options) as pool:
        held = await pool.acquire(soon())
        with pytest.raises(PoolExhausted) as refusal:
            await pool.acquire(soon())
        assert refusal.value.headers == {"retry-after": "1"}
        assert pool.stats()["refused_total"] == 1
        pool.release(held)
        assert at_rest(pool)
        assert await ask(pool) == b"ok"


async def test_nobody_waits_beyond_the_deadline() -> None:
    async with raw_upstream() as upstream, pool_to(upstream, connections=1) as pool:
        await pool.acquire(soon())
        with pytest.raises(PoolExhausted):
            await pool.acquire(monotonic() + 0.01)
        with pytest.raises(PoolExhausted):
            await pool.acquire(monotonic() - 1)


async def test_a_connection_that_dies_gives_its_room_to_whoever_waits() -> None:
    async with raw_upstream() as upstream, pool_to(upstream, connections=1) as pool:
        held = await pool.acquire(soon())
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(ask(pool))
            await waiting(pool, 1)
            held.close()
        assert asked.result() == b"ok"
        assert len(upstream.peers) == 2


async def test_each_who_waits_learns_that_the_upstream_is_down() -> None:
    async with pool_to(Address("http", "127.0.0.1", unused_port()), connections=1) as pool:
        failures = await asyncio.gather(*(pool.acquire(soon()) for _ in range(4)), return_exceptions=True)
        assert [type(failure) for failure in failures] == [UpstreamUnreachable] * 4
        assert pool.stats()["failed_total"] == 4
        assert at_rest(pool)


# cancellation


async def test_a_waiter_cancelled_in_the_instant_it_is_given_a_connection_hands_it_on() -> None:
    async with raw_upstream() as upstream, pool_to(upstream, connections=1) as pool:
        held = await pool.acquire(soon())
        cancelled, patient = asyncio.create_task(pool.acquire(soon())), asyncio.create_task(pool.acquire(soon()))
        await waiting(pool, 2)
        pool.release(held)
        cancelled.cancel()
        assert await patient is held
        with pytest.raises(asyncio.CancelledError):
            await cancelled


async def test_a_waiter_cancelled_in_the_instant_it_is_given_room_hands_it_on() -> None:
    async with raw_upstream() as upstream, pool_to(upstream, connections=1) as pool:
        held = await pool.acquire(soon())
        cancelled, patient = asyncio.create_task(pool.acquire(soon())), asyncio.create_task(pool.acquire(soon()))
        await waiting(pool, 2)
        pool.lost(held)  # as the transport says it
        cancelled.cancel()
        held.close()
        assert await read(await patient) == b"ok"
        with pytest.raises(asyncio.CancelledError):
            await cancelled


async def test_a_waiter_given_a_connection_that_dies_at_once_gets_another() -> None:
    async with raw_upstream() as upstream, pool_to(upstream, connections=1) as pool:
        held = await pool.acquire(soon())
        patient = asyncio.create_task(ask(pool))
        await waiting(pool, 1)
        pool.release(held)
        held.close()
        assert await patient == b"ok"


async def test_whoever_is_cancelled_while_connecting_leaves_the_room_to_others() -> None:
    with full_listener() as address:
        async with pool_to(address, connections=1) as pool:
            connecting = asyncio.create_task(pool.acquire(soon()))
            patient = asyncio.create_task(pool.acquire(soon()))
            await waiting(pool, 1)
            connecting.cancel()
            await waiting(pool, 0)
            patient.cancel()
            await asyncio.wait([connecting, patient])
            assert pool.stats()["open"] == 0
            with pytest.raises(ConnectTimeout):
                await pool.acquire(monotonic() + 0.01)


acts = st.lists(
    st.tuples(
        st.sampled_from(["answer", "give back", "close", "upstream closes"]),
        st.integers(0, 6),  # turns of the loop until it asks
        st.integers(0, 3),  # turns that it holds the connection
        st.one_of(st.none(), st.integers(0, 12)),  # turns until it is cancelled
    ),
    min_size=1,
    max_size=16,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts, st.integers(1, 3))
async def test_whatever_is_cancelled_or_dies_the_bound_holds_and_every_connection_is_found_again(acts, bound) -> None:
    async with raw_upstream() as upstream, pool_to(upstream, connections=bound) as pool:
        tasks = [asyncio.create_task(one(pool, upstream, *act[:3])) for act in acts]
        for turn in range(13):
            assert pool.stats()["open"] <= bound
            for task, act in zip(tasks, acts, strict=True):
                if act[3] == turn:
                    task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait(tasks, timeout=PATIENT)
        assert all(task.cancelled() or isinstance(task.exception(), UpstreamError | None) for task in tasks)
        await until(lambda: at_rest(pool))
        while (idle := pool.take()) is not None:
            idle.close()
        await until(lambda: pool.stats()["open"] == 0)
        upstream.at_connect.clear()
        again = [await pool.acquire(soon()) for _ in range(bound)]  # all of its room is there
        assert pool.stats()["open"] == bound
        for connection in again:
            connection.close()
        await until(lambda: pool.stats()["open"] == 0)


async def one(pool: Pool, upstream: RawUpstream, end: str, before: int, held: int) -> None:
    await turns(before)
    connection = await pool.acquire(soon())
    try:
        await turns(held)
    except asyncio.CancelledError:
        connection.close()
        raise
    match end:
        case "answer" if connection.quiet:
            answer = connection.begin(GET, head_only=False, written=True)
            try:
                await answer.read_head()
            except asyncio.CancelledError:
                connection.leave(answer)
                raise
        case "give back" if connection.usable:
            pool.release(connection)
        case "upstream closes":
            upstream.at_connect.append(closes)
            connection.close()
        case _:
            connection.close()


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


# idleness


async def test_a_connection_that_is_idle_too_long_is_closed() -> None:
    async with raw_upstream() as upstream, pool_to(upstream, idle=0.02) as pool:
        await ask(pool)
        await until(upstream.peers[0].reader.at_eof)
        assert pool.stats()["open"] == 0
        assert pool.stats()["expired_total"] == 1
        assert await ask(pool) == b"ok"
        assert len(upstream.peers) == 2


async def test_each_connection_expires_in_its_own_time() -> None:
    async with raw_upstream() as upstream, pool_to(upstream, idle=0.05) as pool:
        older, newer = await pool.acquire(soon()), await pool.acquire(soon())
        pool.release(older)
        await until(lambda: monotonic() - older.idle_since > 0.02)
        pool.release(newer)
        await until(lambda: not older.usable)
        await until(lambda: not newer.usable)
        assert monotonic() - newer.idle_since >= 0.05
        assert pool.stats()["expired_total"] == 2


async def test_a_closed_pool_keeps_nothing_and_ends_what_is_in_use_after_its_exchange() -> None:
    async with raw_upstream() as upstream, pool_to(upstream) as pool:
        busy, idle = await pool.acquire(soon()), await pool.acquire(soon())
        pool.release(idle)
        await pool.close()
        await until(lambda: pool.stats()["open"] == 1)
        assert await read(busy) == b"ok"
        await until(lambda: pool.stats()["open"] == 0)


# connecting


async def test_a_refused_connection_says_that_nothing_was_sent_and_costs_no_room() -> None:
    async with pool_to(Address("http", "127.0.0.1", unused_port()), connections=1) as pool:
        for _ in range(3):
            with pytest.raises(UpstreamUnreachable) as refusal:
                await pool.acquire(soon())
            assert (refusal.value.status, refusal.value.code) == (503, "upstream_unreachable")
        assert pool.stats()["open"] == 0


async def test_a_connection_that_is_not_accepted_in_time_is_given_up() -> None:
    with full_listener() as address:
        async with pool_to(address, connect=0.02) as pool:
            with pytest.raises(ConnectTimeout) as timeout:
                await pool.acquire(soon())
            assert (timeout.value.status, timeout.value.code) == (504, "upstream_connect_timeout")
            assert at_rest(pool)


async def test_a_name_that_cannot_be_a_host_is_unreachable() -> None:
    async with pool_to(Address("http", "a..b", 80)) as pool:
        with pytest.raises(UpstreamUnreachable):
            await pool.acquire(soon())


async def test_connections_that_the_upstream_ends_at_once_are_counted_out_again() -> None:
    async with raw_upstream() as upstream, pool_to(upstream, connections=2) as pool:
        for number in range(20):
            upstream.at_connect.append(resets if number % 2 else closes)
            try:
                connection = await pool.acquire(soon())
            except UpstreamUnreachable:
                continue
            with pytest.raises(UpstreamError):
                await read(connection)
        await until(lambda: pool.stats()["open"] == 0)
        assert await ask(pool) == b"ok"


async def test_an_upstream_may_listen_on_a_unix_socket(tmp_path: Path) -> None:
    upstream = RawUpstream()
    server = await asyncio.start_unix_server(upstream.serve, tmp_path / "backend.sock")
    async with server, pool_to(Address("http+unix", path=str(tmp_path / "backend.sock"))) as pool:
        assert await ask(pool) == b"ok"
        assert await ask(pool) == b"ok"
        assert len(upstream.peers) == 1
        await upstream.close()


async def test_a_unix_socket_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    async with pool_to(Address("http+unix", path=str(tmp_path / "none.sock"))) as pool:
        with pytest.raises(UpstreamUnreachable):
            await pool.acquire(soon())


@pytest.mark.parametrize(
    ("address", "authority"),
    [
        (Address("http", "backend", 9000), "backend:9000"),
        (Address("http", "backend", 80), "backend"),
        (Address("https", "backend", 443), "backend"),
        (Address("https", "backend", 80), "backend:80"),
        (Address("http", "::1", 9000), "[::1]:9000"),
        (Address("http+unix", path="/run/backend.sock"), "localhost"),
    ],
)
def test_an_address_says_its_authority(address, authority) -> None:
    assert address.authority == authority


# TLS


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def serving(ca: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    return context


@asynccontextmanager
async def tls_upstream(context: ssl.SSLContext):
    upstream = RawUpstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, ssl=context)
    upstream.port = server.sockets[0].getsockname()[1]
    async with server:
        yield upstream
        await upstream.close()


def tls_pool(upstream: RawUpstream, context: ssl.SSLContext, **options):
    return pool_to(Address("https", "localhost", upstream.port, tls=context), **options)


async def test_tls_is_verified_by_a_ca_file(ca, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(file)
    trusting = ssl.create_default_context(cafile=str(file))
    async with tls_upstream(serving(ca)) as upstream, tls_pool(upstream, trusting) as pool:
        assert [await ask(pool), await ask(pool)] == [b"ok", b"ok"]
        assert len(upstream.peers) == 1


@pytest.mark.parametrize(("trusted", "name"), [(False, "localhost"), (True, "other.example")])
async def test_an_untrusted_certificate_or_one_for_another_name_is_refused(ca, trusted, name) -> None:
    trusting = ssl.create_default_context()
    if trusted:
        ca.configure_trust(trusting)
    async with tls_upstream(serving(ca, name)) as upstream, tls_pool(upstream, trusting, connections=1) as pool:
        for _ in range(2):
            with pytest.raises(TlsFailed) as failure:
                await pool.acquire(soon())
            assert (failure.value.status, failure.value.code) == (502, "upstream_tls_failed")
        assert pool.stats()["open"] == 0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate_is_shown_to_an_upstream_that_asks_for_one(ca, version) -> None:
    asking = serving(ca)
    asking.maximum_version = version
    asking.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(asking)
    nameless = ssl.create_default_context()
    ca.configure_trust(nameless)
    named = ssl.create_default_context()
    ca.configure_trust(named)
    ca.issue_cert("gateway").configure_cert(named)
    async with tls_upstream(asking) as upstream:
        async with tls_pool(upstream, named) as pool:
            assert await ask(pool) == b"ok"
        async with tls_pool(upstream, nameless) as pool:
            with pytest.raises(UpstreamError):
                await ask(pool)
            await until(lambda: pool.stats()["open"] == 0)
        assert len(upstream.peers) == 1


async def test_a_listener_that_does_not_speak_tls_is_refused(ca) -> None:
    async def not_tls(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with raw_upstream() as upstream:
        upstream.at_connect.append(not_tls)
        async with tls_pool(upstream, ssl.create_default_context()) as pool:
            with pytest.raises(TlsFailed):
                await pool.acquire(soon())


async def test_a_tls_handshake_that_does_not_end_is_a_connect_timeout() -> None:
    silence = asyncio.Event()
    async with raw_upstream() as upstream:
        upstream.at_connect.append(lambda _: silence.wait())
        async with tls_pool(upstream, ssl.create_default_context(), connect=0.05) as pool:
            with pytest.raises(ConnectTimeout):
                await pool.acquire(soon())


# what the tests stand on


@contextmanager
def behind(peer: Peer) -> Iterator[socket.socket]:
    """The peer's own socket, to act on while the loop stands still."""
    with socket.socket(fileno=os.dup(peer.writer.get_extra_info("socket").fileno())) as sock:
        yield sock


def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@contextmanager
def full_listener() -> Iterator[Address]:
    """A listener that accepts nobody, and whose queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(2):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield Address("http", *listener.getsockname())


async def resets(peer: Peer) -> None:
    peer.reset()
