"""Work under the policy in force: it holds that policy, ends in its time, and lets what is under way end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from gateway.control import driving
from gateway.control.driving import drive
from gateway.dataplane.chain import Chain
from gateway.dataplane.router import Match
from gateway.dataplane.snapshot import Route, Snapshot
from gateway.exchange import Exchange


class Nobody:
    async def dispatch(self, exchange: Exchange) -> Any: ...


class Worker:
    """Works until it is told to stop, and then for as long as ``last`` is not set."""

    def __init__(self, serving: Snapshot) -> None:
        self.serving = serving
        self.begun, self.stopped, self.last = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.held = -1
        self.ended = False

    async def run(self, routes: Iterable[Any], ended: Sequence[Callable[[Exchange], None]]) -> int:
        self.held = self.serving.in_flight
        self.begun.set()
        await self.stopped.wait()
        await self.last.wait()
        self.ended = True
        return 1

    def stop(self) -> None:
        self.stopped.set()


@pytest.fixture
def serving() -> Snapshot:
    return Snapshot("digest", [Route("all", Match(), Chain([], Nobody()))])


async def test_where_no_route_is_concerned_nothing_runs(serving: Snapshot) -> None:
    worker = Worker(serving)

    await drive(worker, serving, lambda _: None)

    assert not worker.begun.is_set()


async def test_the_policy_is_held_while_it_runs_and_a_run_has_its_end(serving, monkeypatch) -> None:
    monkeypatch.setattr(driving, "RUN", 0.0)
    worker = Worker(serving)
    worker.last.set()

    await drive(worker, serving, lambda route: route.name)

    assert (worker.held, worker.ended, serving.in_flight) == (1, True, 0)


async def test_what_is_under_way_when_it_is_cancelled_has_a_while_to_end(serving: Snapshot) -> None:
    worker = Worker(serving)
    driven = asyncio.create_task(drive(worker, serving, lambda route: route.name))
    await worker.begun.wait()
    driven.cancel()
    await worker.stopped.wait()
    worker.last.set()
    with pytest.raises(asyncio.CancelledError):
        await driven

    assert (worker.ended, serving.in_flight) == (True, 0)


async def test_and_no_longer(serving, monkeypatch) -> None:
    monkeypatch.setattr(driving, "STOPS_WITHIN", 0.01)
    worker = Worker(serving)
    driven = asyncio.create_task(drive(worker, serving, lambda route: route.name))
    await worker.begun.wait()
    driven.cancel()
    with pytest.raises(asyncio.CancelledError):
        await driven

    assert (worker.ended, serving.in_flight) == (False, 0)
