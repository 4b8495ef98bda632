"""Draining begins once, lasts as long as was left, and ends at once where somebody insists."""

from __future__ import annotations

import asyncio

from gateway.control.draining import Draining


class Beginnings:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


async def test_before_it_begins_all_of_the_delay_remains() -> None:
    draining = Draining(3600, Beginnings())
    assert not draining.begun
    assert draining.remaining == 3600


async def test_it_begins_once_and_the_delay_counts_from_then() -> None:
    begins = Beginnings()
    draining = Draining(3600, begins)
    draining.begin()
    first = draining.remaining
    await asyncio.sleep(0.01)
    draining.begin()
    assert draining.remaining < first
    assert begins.times == 1


async def test_it_is_over_when_the_delay_is() -> None:
    draining = Draining(0.01, Beginnings())
    await draining.over()
    assert draining.begun
    assert draining.remaining == 0


async def test_what_has_been_drained_for_long_enough_is_over_at_once() -> None:
    draining = Draining(0, Beginnings())
    draining.begin()
    await asyncio.wait_for(draining.over(), 5)


async def test_somebody_who_insists_cuts_it_short() -> None:
    draining = Draining(3600, Beginnings())
    over = asyncio.create_task(draining.over())
    await asyncio.sleep(0)
    assert not over.done()
    draining.cut_short()
    await asyncio.wait_for(over, 5)
