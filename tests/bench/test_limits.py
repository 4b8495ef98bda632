"""What bench.limits measures is what a gateway decides."""

from __future__ import annotations

from bench.limits import cost, flood, limiter, requests
from gateway.store.memory import MemoryStore


async def test_each_request_is_decided_and_none_is_refused() -> None:
    store = MemoryStore()
    assert await cost(limiter(store).on_request, requests(200, 50)) >= 0
    assert len(store) == 101


async def test_a_flood_is_of_distinct_keys_and_the_store_keeps_to_its_bound() -> None:
    seen = await flood(1000)
    assert [number for number, _, _ in seen] == list(range(100, 1001, 100))
    assert seen[-1][1] == 2001
