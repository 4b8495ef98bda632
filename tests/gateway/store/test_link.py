"""The link's own rules, with a server that is a test's hand: when it is suspected, given up, and left alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.store import link as links
from gateway.store.link import Link
from gateway.store.protocol import StoreDown


class Hand(Link):
    """Answers what ``replies`` has for it, when ``may_answer`` says so."""

    def __init__(self, timeout: float = 0.01) -> None:
        super().__init__(timeout)
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.reachable = True
        self.tried = 0
        self.batches: list[int] = []

    async def connect(self) -> None:
        self.tried += 1
        if not self.reachable:
            raise OSError("refused")

    async def serve(self) -> None:
        while True:
            batch = await self.next_batch()
            self.batches.append(len(batch.calls))
            await self.may_answer.wait()
            for command, _ in batch.calls:
                self.answer(command[0])

    async def disconnect(self) -> None:
        pass


@pytest.fixture
async def hand():
    made = Hand()
    await made.open()
    yield made
    await made.close()


async def again(hand: Hand) -> Any:
    async with asyncio.timeout(10):
        while True:
            try:
                return await hand.call(("a",))
            except StoreDown:
                await asyncio.sleep(0.005)


async def test_before_it_is_opened_it_is_down() -> None:
    with pytest.raises(StoreDown):
        Hand().call(("a",))


async def test_what_is_called_together_goes_out_together(hand) -> None:
    assert await asyncio.gather(*(hand.call((str(number),)) for number in range(5))) == list("01234")
    assert hand.batches == [5]
    assert (hand.calls, hand.pipelines) == (5, 1)


async def test_what_is_called_while_others_wait_does_not_wait_for_their_answers_to_be_sent(hand) -> None:
    await hand.call(("a",))
    await asyncio.gather(hand.call(("b",)), hand.call(("c",)))
    assert hand.batches == [1, 2]


async def test_a_late_answer_fails_its_caller_and_all_that_wait(hand) -> None:
    hand.may_answer.clear()
    first = hand.call(("a",))
    await asyncio.sleep(0)
    second = hand.call(("b",))
    for each in (first, second):
        with pytest.raises(StoreDown) as error:
            await each
        assert "no answer within 10 ms" in str(error.value.__cause__)
    assert hand.errors == 2


async def test_a_late_answer_that_comes_ends_the_trouble_on_the_same_connection(hand) -> None:
    hand.may_answer.clear()
    with pytest.raises(StoreDown):
        await hand.call(("a",))
    hand.may_answer.set()

    assert await again(hand) == "a"
    assert hand.tried == 1


async def test_one_that_never_comes_costs_the_connection(hand, monkeypatch) -> None:
    monkeypatch.setattr(links, "PATIENCE", 0.05)
    hand.may_answer.clear()
    with pytest.raises(StoreDown):
        await hand.call(("a",))
    await asyncio.sleep(0.2)
    hand.may_answer.set()

    assert await again(hand) == "a"
    assert hand.tried >= 2


async def test_pauses_grow_and_begin_anew_once_it_was_calm(hand) -> None:
    loop = asyncio.get_running_loop()
    hand._troubled_at = loop.time()
    pauses = [hand._next_pause() for _ in range(12)]

    assert links.PAUSE / 2 <= pauses[0] <= links.PAUSE
    assert links.LONGEST_PAUSE / 2 <= pauses[-1] <= links.LONGEST_PAUSE
    hand._troubled_at = loop.time() - links.CALM - 1
    assert hand._next_pause() <= links.PAUSE


async def test_one_that_cannot_be_reached_fails_calls_at_once_and_says_why() -> None:
    hand = Hand()
    hand.reachable = False
    await hand.open()
    with pytest.raises(StoreDown) as error:
        hand.call(("a",))
    hand.reachable = True
    assert await again(hand) == "a"
    await hand.close()

    assert str(error.value) == links.AWAY
    assert "refused" in str(error.value.__cause__)


async def test_too_many_calls_in_one_turn_are_refused(hand, monkeypatch) -> None:
    monkeypatch.setattr(links, "MOST_WAITING", 3)
    calls = [hand.call(("a",)) for _ in range(3)]
    with pytest.raises(StoreDown):
        hand.call(("a",))

    assert await asyncio.gather(*calls) == ["a"] * 3


async def test_closing_fails_what_still_waits() -> None:
    hand = Hand(timeout=5)
    await hand.open()
    hand.may_answer.clear()
    call = hand.call(("a",))
    await asyncio.sleep(0)
    await hand.close()

    with pytest.raises(StoreDown):
        await call
