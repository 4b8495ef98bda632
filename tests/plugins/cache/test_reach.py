"""Reach alone: a Redis in the test's hand, which answers, is late, or breaks."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from plugins.cache.reach import AT_ONCE, Away, Reach


async def nothing() -> None:
    """There is nothing to catch up with."""


class Hand:
    def __init__(self) -> None:
        self.asked = 0
        self.broken = False
        self.client = SimpleNamespace(ping=self.answer)

    async def answer(self) -> str:
        self.asked += 1
        if self.broken:
            raise OSError("it is gone")
        return "PONG"


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
async def reach(hand) -> Reach:
    made = Reach(hand, 0.02, (OSError,))
    await made.recovered(nothing)
    return made


async def test_while_there_is_trouble_nobody_asks_and_nobody_waits(reach, hand) -> None:
    assert await reach.call(lambda cache: cache.answer()) == "PONG"
    hand.broken = True
    with pytest.raises(Away):
        await reach.call(lambda cache: cache.answer())
    asked = hand.asked
    for _ in range(10):
        with pytest.raises(Away):
            await reach.call(lambda cache: cache.answer())
    assert (hand.asked, reach.counts["skipped"], reach.trouble) == (asked, 10, "it is gone")
    hand.broken = False
    await reach.recovered(nothing)
    assert await reach.call(lambda cache: cache.answer()) == "PONG"


async def test_an_answer_that_is_late_is_trouble(reach) -> None:
    with pytest.raises(Away):
        await reach.call(lambda _: asyncio.Event().wait())
    assert reach.trouble == "no answer within 20 ms"


async def test_it_is_not_well_before_what_was_missed_is_caught_up_with(reach, hand) -> None:
    reach.fail("test")
    told: list[str | None] = []

    async def catch_up() -> None:
        told.append(reach.trouble)
        if len(told) == 1:
            raise Away

    await reach.recovered(catch_up)
    assert (told, reach.trouble) == (["test", "test"], None)


async def test_what_comes_while_too_much_is_under_way_finds_nothing(reach) -> None:
    go_on = asyncio.Event()
    calls = [asyncio.create_task(reach.call(lambda _: go_on.wait())) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(Away):
        await reach.call(lambda cache: cache.answer())
    assert reach.trouble is None
    go_on.set()
    await asyncio.gather(*calls)


async def test_a_mistake_of_ours_is_no_trouble_of_the_servers(reach) -> None:
    with pytest.raises(AttributeError):
        await reach.call(lambda cache: cache.nothing())
    assert reach.trouble is None
