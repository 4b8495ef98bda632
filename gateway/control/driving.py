"""Driving: work that sends stored payments, under the policy in force, which is held open until it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from gateway.dataplane.snapshot import Route, Snapshot
from gateway.exchange import Exchange

RUN = 10.0
"""Seconds after which a run takes up no other payment: the next one goes on, with the policy that serves then."""

LONGEST = 600.0
"""Seconds that a run may take."""

STOPS_WITHIN = 4.0
"""Seconds that the payment under way has to end where the gateway stops."""


class Worker(Protocol):
    async def run(self, routes: Iterable[Any], ended: Sequence[Callable[[Exchange], None]], /) -> int: ...

    def stop(self) -> None:
        """``run`` begins with no other payment."""


async def drive(worker: Worker, serving: Snapshot, concerns: Callable[[Route], object]) -> None:
    """One run, where the policy has a route that it ``concerns``.

    What is under way when it is cancelled has a while to end: broken off, it would be in doubt.
    """
    if all(concerns(route) is None for route in serving.routes):
        return
    serving.enter()
    try:
        await _run(worker, serving)
    finally:
        serving.leave()


async def _run(worker: Worker, serving: Snapshot) -> None:
    running = asyncio.ensure_future(worker.run(serving.routes, serving.observers))
    end = asyncio.get_running_loop().call_later(RUN, worker.stop)
    try:
        await asyncio.shield(running)
    finally:
        end.cancel()
        worker.stop()
        if not running.done():
            await asyncio.wait([running], timeout=STOPS_WITHIN)
            running.cancel()
