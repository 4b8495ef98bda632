"""The way out over a real pair of sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from gateway.dataplane.joined import Joined
from gateway.dataplane.outlet import Outlet
from tests.gateway.dataplane.harness import until

MORE_THAN_BUFFERS_HOLD = b"x" * (16 << 20)


class Way(asyncio.Protocol):
    """What the gateway's protocol does with its outlet, and no more."""

    def __init__(self) -> None:
        self.outlet = Outlet(asyncio.get_running_loop(), Joined())
        self.heard = b""

    def connection_made(self, transport) -> None:
        self.outlet.connect(transport)

    def connection_lost(self, exc) -> None:
        self.outlet.lose()

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def pause_writing(self) -> None:
        self.outlet.pause()

    def resume_writing(self) -> None:
        self.outlet.resume()


@asynccontextmanager
async def pair() -> AsyncGenerator[tuple[Way, socket.socket], None]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    _, way = await asyncio.get_running_loop().create_connection(Way, sock=ours)
    with theirs:
        yield way, theirs
        way.outlet.abort()
        await until(lambda: not way.outlet.open)


async def read(peer: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size and (data := await asyncio.get_running_loop().sock_recv(peer, 1 << 20)):
        got += data
    return got


async def test_what_is_written_arrives_and_then_its_end_while_the_client_is_still_heard():
    async with pair() as (way, peer):
        way.outlet.write(b"bye")
        way.outlet.end()
        assert await read(peer, 4) == b"bye"
        await asyncio.get_running_loop().sock_sendall(peer, b"but")
        await until(lambda: way.heard == b"but")


async def test_what_is_written_soon_stays_before_what_is_written_then():
    async with pair() as (way, peer):
        way.outlet.write_soon(b"one ")
        way.outlet.write_soon(b"two ")
        way.outlet.write(b"three")
        assert await read(peer, 13) == b"one two three"


@pytest.mark.parametrize("act", ["end", "close", "expire"])
async def test_what_is_written_soon_is_not_lost_to_an_end(act):
    async with pair() as (way, peer):
        way.outlet.write_soon(b"bye")
        getattr(way.outlet, act)()
        assert await read(peer, 4) == b"bye"


async def test_it_is_full_until_the_client_reads():
    async with pair() as (way, peer):
        way.outlet.write(MORE_THAN_BUFFERS_HOLD)
        assert way.outlet.full
        waiting = asyncio.create_task(way.outlet.drained())
        await read(peer, len(MORE_THAN_BUFFERS_HOLD))
        await waiting
        assert not way.outlet.full


async def test_a_client_that_reads_nothing_is_given_up_and_one_that_reads_is_not():
    async with pair() as (way, peer):
        way.outlet.write(MORE_THAN_BUFFERS_HOLD)
        now = monotonic()
        way.outlet.sweep(now, 10)
        await read(peer, 1 << 20)
        await asyncio.sleep(0)
        way.outlet.sweep(now + 11, 10)
        assert way.outlet.open
        way.outlet.sweep(now + 22, 10)
        await until(lambda: not way.outlet.open)


async def test_who_waits_for_a_client_that_goes_is_woken():
    async with pair() as (way, peer):
        way.outlet.write(MORE_THAN_BUFFERS_HOLD)
        waiting = asyncio.create_task(way.outlet.drained())
        peer.close()
        await waiting


async def test_reading_stops_and_goes_on():
    async with pair() as (way, peer):
        way.outlet.pause_reading()
        assert not way.outlet.reading
        await asyncio.get_running_loop().sock_sendall(peer, b"later")
        way.outlet.resume_reading()
        assert way.outlet.reading
        await until(lambda: way.heard == b"later")


async def test_closing_sends_what_was_written_and_a_second_time_does_not_wait_for_it():
    async with pair() as (way, _):
        way.outlet.write(MORE_THAN_BUFFERS_HOLD)
        way.outlet.expire()
        await asyncio.sleep(0)
        assert way.outlet.open
        way.outlet.expire()
        await until(lambda: not way.outlet.open)


@pytest.mark.parametrize("act", ["end", "close", "abort", "expire", "pause_reading", "resume_reading", "resume"])
async def test_after_the_client_has_gone_nothing_happens(act):
    async with pair() as (way, _):
        way.outlet.lose()
        getattr(way.outlet, act)()
        way.outlet.write(b"nobody")
        way.outlet.sweep(monotonic(), 0)
        assert not way.outlet.open
        assert not way.outlet.reading
