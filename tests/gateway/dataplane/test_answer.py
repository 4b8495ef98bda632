"""An answer alone, fed by hand: what its reader sees."""

from __future__ import annotations

import asyncio

import pytest

from gateway.dataplane.answer import Answer
from gateway.errors import FirstByteTimeout, UpstreamBroken


class Connection:
    """What an answer asks of its connection."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.resumed = 0
        self.failed: list[Exception] = []

    def resume(self) -> None:
        self.resumed += 1

    def fail(self, error) -> None:
        self.failed.append(error)


@pytest.fixture
async def connection() -> Connection:
    return Connection()


@pytest.fixture
async def answer(connection) -> Answer:
    return Answer(connection)


async def test_its_head_is_awaited_and_its_limit_ends_with_it(answer, connection):
    answer.limit(1.0, FirstByteTimeout)
    reading = asyncio.create_task(answer.read_head())
    await asyncio.sleep(0)
    answer.head = True
    answer.wake()
    await reading
    answer.sweep(2.0)
    assert connection.failed == []


async def test_what_is_here_is_taken_in_one_piece_and_the_connection_reads_on(answer, connection):
    answer.chunks.extend([b"a", b"b"])
    assert await answer.read() == b"ab"
    assert connection.resumed == 1
    assert answer.take() == b""


async def test_its_end_is_an_empty_piece(answer):
    answer.complete = True
    assert await answer.read() == b""


async def test_what_came_before_a_failure_is_read_before_it(answer):
    answer.chunks.append(b"half")
    answer.error = UpstreamBroken("gone")
    assert await answer.read() == b"half"
    with pytest.raises(UpstreamBroken):
        await answer.read()


async def test_a_failure_before_the_head_is_raised(answer):
    reading = asyncio.create_task(answer.read_head())
    await asyncio.sleep(0)
    answer.error = UpstreamBroken("gone")
    answer.wake()
    with pytest.raises(UpstreamBroken):
        await reading


async def test_past_its_limit_it_fails_once_and_before_it_not_at_all(answer, connection):
    answer.limit(2.0, FirstByteTimeout)
    answer.sweep(1.9)
    assert connection.failed == []
    answer.sweep(2.0)
    answer.sweep(3.0)
    assert [type(error) for error in connection.failed] == [FirstByteTimeout]


async def test_without_a_limit_it_waits(answer, connection):
    answer.limit(2.0, FirstByteTimeout)
    answer.unlimit()
    answer.sweep(3.0)
    assert connection.failed == []
