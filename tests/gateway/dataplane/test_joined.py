from __future__ import annotations

import asyncio

from gateway.dataplane.joined import Joined


async def test_what_is_put_in_one_turn_is_written_together_after_what_was_ready_and_in_order():
    loop, joined, seen = asyncio.get_running_loop(), Joined(), []

    def ready(name: str) -> None:
        seen.append(f"{name} ready")
        joined.at_end(lambda: seen.append(f"{name} written"), loop)

    for name in "abc":
        loop.call_soon(ready, name)
    for _ in range(2):
        await asyncio.sleep(0)
    assert seen == ["a ready", "b ready", "c ready", "a written", "b written", "c written"]


async def test_one_that_fails_does_not_silence_the_others(caplog):
    loop, joined, seen = asyncio.get_running_loop(), Joined(), []

    def fail() -> None:
        raise RuntimeError("closed")

    joined.at_end(fail, loop)
    joined.at_end(lambda: seen.append("written"), loop)
    await asyncio.sleep(0)
    assert seen == ["written"]
    assert "A write failed" in caplog.text


async def test_what_a_write_leads_to_is_written_in_the_next_turn():
    loop, joined, seen = asyncio.get_running_loop(), Joined(), []
    joined.at_end(lambda: joined.at_end(lambda: seen.append("second"), loop), loop)
    await asyncio.sleep(0)
    assert seen == []
    await asyncio.sleep(0)
    assert seen == ["second"]
