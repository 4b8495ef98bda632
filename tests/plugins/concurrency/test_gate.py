from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from plugins.concurrency.gate import Gate

PATIENT = 5.0


async def queued(gate: Gate, *priorities: int, seconds: float = PATIENT) -> list[asyncio.Task[bool]]:
    """Tasks that wait at the gate, in this order."""
    tasks = []
    for priority in priorities:
        tasks.append(asyncio.create_task(gate.wait(priority, seconds)))
        await turn()
    return tasks


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def state(task: asyncio.Task[bool]) -> bool | None:
    """Whether it was let in, None while it waits."""
    return task.result() if task.done() else None


def full(places: int = 1, most: int = 10) -> Gate:
    gate = Gate(places, most)
    while gate.enter():
        pass
    return gate


async def test_as_many_enter_at_once_as_there_are_places() -> None:
    gate = Gate(3, 10)
    assert [gate.enter() for _ in range(5)] == [True, True, True, False, False]
    gate.leave()
    assert (gate.enter(), gate.enter(), gate.inside) == (True, False, 3)


async def test_whoever_waits_is_let_in_by_priority_and_then_in_order_of_arrival() -> None:
    gate = full()
    tasks = await queued(gate, 5, 1, 5, 10, 1, 10)
    let_in = []
    for _ in tasks:
        gate.leave()
        await turn()
        let_in.append(next(number for number, task in enumerate(tasks) if task.done() and number not in let_in))
    assert let_in == [3, 5, 0, 2, 1, 4]
    assert (gate.inside, gate.waiting, gate.queue()) == (1, 0, {})


async def test_a_place_that_is_free_is_taken_without_a_queue() -> None:
    assert await Gate(1, 0).wait(5, PATIENT)


async def test_a_full_queue_sends_away_the_last_of_the_lowest_priority() -> None:
    gate = full(most=3)
    tasks = await queued(gate, 1, 1, 5, 10)
    assert [state(task) for task in tasks] == [None, False, None, None]
    tasks += await queued(gate, 5)
    assert [state(task) for task in tasks] == [False, False, None, None, None]
    assert gate.queue() == {10: 1, 5: 2}


@pytest.mark.parametrize("priority", [1, 5])
async def test_it_sends_away_who_comes_where_nobody_who_waits_has_less_right(priority) -> None:
    gate = full(most=2)
    tasks = await queued(gate, 5, 10, priority)
    assert [state(task) for task in tasks] == [None, None, False]


async def test_where_nobody_may_wait_who_finds_no_place_is_sent_away() -> None:
    assert not await full(most=0).wait(10, PATIENT)


async def test_whoever_waits_too_long_is_sent_away_and_keeps_no_place() -> None:
    gate = full()
    assert not await gate.wait(5, 0.001)
    gate.leave()
    assert (gate.inside, gate.waiting) == (0, 0)


@pytest.mark.parametrize("seconds", [0.0, -1.0])
async def test_whoever_has_no_time_left_does_not_wait(seconds) -> None:
    assert not await full().wait(5, seconds)


async def test_whoever_is_cancelled_leaves_the_queue() -> None:
    gate = full()
    first, second = await queued(gate, 5, 5)
    first.cancel()
    await turn()
    assert gate.queue() == {5: 1}
    gate.leave()
    await turn()
    assert state(second) is True


async def test_a_place_that_was_granted_in_the_instant_of_the_cancellation_goes_to_the_next() -> None:
    gate = full()
    first, second = await queued(gate, 10, 5)
    gate.leave()
    first.cancel()
    await turn()
    assert (first.cancelled(), state(second), gate.inside) == (True, True, 1)


async def test_a_place_is_not_granted_to_who_was_cancelled_just_before() -> None:
    gate = full()
    first, second = await queued(gate, 10, 5)
    first.cancel()
    gate.leave()
    await turn()
    assert (first.cancelled(), state(second), gate.inside) == (True, True, 1)


async def test_whoever_is_sent_away_and_cancelled_at_once_takes_nothing_along() -> None:
    gate = full(most=1)
    [low] = await queued(gate, 1)
    [high] = await queued(gate, 10)
    low.cancel()
    await turn()
    gate.leave()
    await turn()
    assert (state(high), gate.inside, gate.waiting) == (True, 1, 0)


async def test_more_places_let_in_who_waits_and_fewer_let_nobody_in_until_enough_have_left() -> None:
    gate = full(2)
    tasks = await queued(gate, 5, 5, 5)
    gate.resize(4)
    await turn()
    assert [state(task) for task in tasks] == [True, True, None]
    gate.resize(1)
    for inside in (3, 2, 1):
        gate.leave()
        await turn()
        assert (gate.inside, state(tasks[2])) == (inside, None)
    gate.leave()
    await turn()
    assert (gate.inside, state(tasks[2])) == (1, True)


async def test_the_peak_is_of_what_was_in_since_the_last_change() -> None:
    gate = full(3)
    gate.leave()
    gate.leave()
    assert gate.peak == 3
    gate.resize(3)
    assert gate.peak == 1


class Crowd(RuleBasedStateMachine):
    """Any order of arrivals, departures, cancellations, delays and other limits.

    The test's own book says who is in and who waits; the gate must agree with it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.most = 4
        self.gate = Gate(2, self.most)
        self.inside = 0
        self.order: list[tuple[int, asyncio.Task[bool]]] = []
        """Who waits, as they came; and of those who no longer wait, who was in the queue until now."""

    def teardown(self) -> None:
        for _, task in self.order:
            task.cancel()
        self._turn()
        self.loop.close()

    def _turn(self) -> None:
        async def turn() -> None:
            for _ in range(4):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turn())

    def _waiting(self) -> Iterator[tuple[int, asyncio.Task[bool]]]:
        return ((priority, task) for priority, task in self.order if not task.done())

    def _settle(self) -> None:
        """Run what is due, and hold who was let in against who had more right to it."""
        before = list(self.order)
        self._turn()
        let_in = [each for each in before if each[1].done() and not each[1].cancelled() and each[1].result()]
        left = [each for each in before if not each[1].done()]
        for priority, task in let_in:
            for other, still in left:
                assert priority >= other
                if priority == other:
                    assert before.index((priority, task)) < before.index((other, still))
        self.inside += len(let_in)
        self.order = left

    @rule(priority=st.integers(0, 3))
    def arrive(self, priority: int) -> None:
        if self.gate.enter():
            assert not list(self._waiting())
            self.inside += 1
            return
        lowest = min((each for each, _ in self._waiting()), default=None)
        queue_is_full = len(list(self._waiting())) >= self.most
        task = self.loop.create_task(self.gate.wait(priority, PATIENT * 100))
        self.order.append((priority, task))
        before = [each for _, each in self.order]
        self._turn()
        if queue_is_full:
            sent_away = [each for each in before if each.done()]
            assert len(sent_away) == 1
            assert (sent_away[0] is task) == (lowest is None or lowest >= priority)
        self._settle()

    @precondition(lambda self: self.inside)
    @rule()
    def leave(self) -> None:
        self.gate.leave()
        self.inside -= 1
        self._settle()

    @precondition(lambda self: self.order)
    @rule(data=st.data())
    def give_up(self, data) -> None:
        _, task = data.draw(st.sampled_from(self.order))
        task.cancel()
        self._settle()

    @precondition(lambda self: self.order and self.inside)
    @rule(data=st.data(), first=st.booleans())
    def give_up_in_the_instant_of_a_departure(self, data, first) -> None:
        _, task = data.draw(st.sampled_from(self.order))
        if first:
            task.cancel()
        self.gate.leave()
        self.inside -= 1
        if not first:
            task.cancel()
        self._settle()

    @precondition(lambda self: self.order)
    @rule(data=st.data())
    def wait_too_long(self, data) -> None:
        """The timer of one that waits, fired by hand."""
        _, task = data.draw(st.sampled_from(self.order))
        waiting = task.get_coro().cr_frame.f_locals["waiting"]
        self.gate._send_away(waiting)
        self._turn()
        assert task.result() is False
        self._settle()

    @rule(places=st.integers(1, 5))
    def resize(self, places: int) -> None:
        self.gate.resize(places)
        self._settle()

    @invariant()
    def the_books_agree(self) -> None:
        assert self.gate.inside == self.inside
        assert self.gate.waiting == len(list(self._waiting())) == sum(self.gate.queue().values())
        assert self.gate.waiting <= self.most

    @invariant()
    def nobody_waits_while_a_place_is_free(self) -> None:
        assert not self.gate.waiting or self.gate.inside >= self.gate.places


TestCrowd = Crowd.TestCase
TestCrowd.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


async def test_nobody_is_forgotten_in_a_crowd() -> None:
    """A thousand come at once, some leave while they wait: all of the others are let in, and the gate is empty."""
    gate = Gate(7, 1000)
    served = 0

    async def visit(number: int) -> None:
        nonlocal served
        assert await gate.wait(number % 3, PATIENT)
        try:
            await asyncio.sleep(0)
            assert gate.inside <= 7
            served += 1
        finally:
            gate.leave()

    tasks = [asyncio.create_task(visit(number)) for number in range(1000)]
    await asyncio.sleep(0)
    for task in tasks[::5]:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
    cancelled = sum(task.cancelled() for task in tasks)
    assert (served, gate.inside, gate.waiting) == (1000 - cancelled, 0, 0)
    assert cancelled >= 190
