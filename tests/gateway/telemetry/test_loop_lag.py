from __future__ import annotations

import asyncio
import time

from gateway.telemetry import loop_lag
from gateway.telemetry.loop_lag import LoopLag


async def test_what_holds_the_loop_up_is_seen_as_lag():
    seen: asyncio.Queue[float] = asyncio.Queue()
    lag = LoopLag(seen.put_nowait)
    lag.start()
    await seen.get()
    time.sleep(loop_lag.EVERY + 0.2)  # noqa: ASYNC251 - the blocking is what is measured
    assert await seen.get() >= 0.19
    assert lag.worst >= 0.19
    lag.stop()


async def test_nothing_is_measured_after_the_stop():
    lag = LoopLag(lambda _: None)
    lag.start()
    lag.stop()
    lag.stop()
    assert lag.worst == 0.0
