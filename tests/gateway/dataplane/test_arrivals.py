from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from gateway.dataplane.arrivals import Arrivals
from gateway.dataplane.joined import Joined


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def arrivals(pair) -> Arrivals:
    made = Arrivals(Joined())
    made.watch(pair[0].fileno())
    return made


async def heard(arrivals: Arrivals, sock: socket.socket) -> bool:
    return arrivals.on(sock.fileno(), asyncio.get_running_loop())


@pytest.mark.parametrize("end", [False, True])
async def test_what_came_is_heard_before_the_loop_has_seen_it(arrivals, pair, end):
    ours, theirs = pair
    theirs.close() if end else theirs.send(b"unasked")
    assert await heard(arrivals, ours)


async def test_one_look_does_for_a_turn_of_the_loop_and_the_next_turn_looks_again(arrivals, pair):
    ours, theirs = pair
    assert not await heard(arrivals, ours)
    theirs.send(b"unasked")
    assert not await heard(arrivals, ours)
    await asyncio.sleep(0)
    assert await heard(arrivals, ours)


async def test_each_socket_is_heard_by_itself(arrivals, pair):
    ours, _ = pair
    other, speaks = socket.socketpair()
    with other, speaks:
        arrivals.watch(other.fileno())
        speaks.send(b"unasked")
        assert await heard(arrivals, other)
        assert not await heard(arrivals, ours)
        await asyncio.sleep(0)
        arrivals.forget(other.fileno())
        assert not await heard(arrivals, other)
