from __future__ import annotations

import asyncio

import pytest

from gateway import UpstreamBroken
from gateway.testing import HandClock
from plugins.cache.flights import LONE, LONE_FOR, Flight, Flights, Landing


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def flights(clock) -> Flights:
    return Flights(clock.monotonic)


async def waiting(flight: Flight, count: int, seconds: float = 60.0) -> list[asyncio.Future]:
    tasks = [asyncio.ensure_future(flight.wait(seconds)) for _ in range(count)]
    await asyncio.sleep(0)  # each has begun to wait
    assert flight.waiting >= count
    return tasks


async def test_all_who_wait_hear_how_it_ended(flights) -> None:
    flight = flights.begin("k")
    assert flights.join("k") is flight
    tasks = await waiting(flight, 3)
    flight.land(Landing.LOOK)
    assert await asyncio.gather(*tasks) == [Landing.LOOK] * 3
    assert flights.join("k") is None


async def test_they_fail_as_it_failed(flights) -> None:
    flight = flights.begin("k")
    tasks = await waiting(flight, 2)
    flight.fail(UpstreamBroken("closed"))
    for task in tasks:
        with pytest.raises(UpstreamBroken):
            await task


async def test_where_it_left_one_leads_and_the_others_wait_on(flights) -> None:
    flight = flights.begin("k")
    tasks = await waiting(flight, 3)
    flight.leave()
    assert await tasks[0] is Landing.LEAD
    assert flights.join("k") is flight
    flight.land(Landing.GO)
    assert await asyncio.gather(*tasks[1:]) == [Landing.GO] * 2


async def test_a_successor_that_leaves_in_the_same_instant_leaves_it_to_the_next(flights) -> None:
    flight = flights.begin("k")
    first, second = await waiting(flight, 2)
    flight.leave()
    first.cancel()
    assert await second is Landing.LEAD
    with pytest.raises(asyncio.CancelledError):
        await first
    flight.leave()
    assert len(flights) == 0


async def test_one_that_gave_up_is_passed_over(flights) -> None:
    flight = flights.begin("k")
    (late,) = await waiting(flight, 1, seconds=0.0)
    assert await late is None
    (patient,) = [asyncio.ensure_future(flight.wait(60))]
    await asyncio.sleep(0)
    flight.leave()
    assert await patient is Landing.LEAD


def test_where_one_answer_did_not_do_for_all_nobody_waits_for_a_while(flights, clock) -> None:
    flights.begin("k").land(Landing.GO)
    assert flights.begin("k") is None
    assert flights.begin("other") is not None
    clock.advance(LONE_FOR + 1)
    assert flights.begin("k") is not None


def test_what_is_remembered_of_keys_is_bounded(flights) -> None:
    for number in range(LONE + 1):
        flights.lone(str(number))
    assert flights.begin("0") is not None
    assert flights.begin("1") is None
