from __future__ import annotations

import asyncio

import httpx
from starlette.routing import Router

from gateway.testing import HandScope, exchange
from plugins.concurrency.decision import SAMPLES
from tests.plugins.concurrency.conftest import attempted


async def listed(lent: HandScope) -> list[dict]:
    [board] = lent.components
    transport = httpx.ASGITransport(Router(board.admin_routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/")
    assert (answer.json()["next"], answer.headers["cache-control"]) == (None, "no-store")
    return answer.json()["items"]


async def test_a_limit_is_listed_with_who_is_in_and_who_waits(limit) -> None:
    lent = HandScope(place="backend")
    guard = await limit(lent, most=2, priorities={"reports": 1})
    waiting = []
    for route in ("all", "all", "all", "reports", "reports"):
        made = exchange()
        made.route = route
        if (later := guard.admit(made)) is not None:
            waiting.append(asyncio.ensure_future(later))
    await asyncio.sleep(0)
    assert await listed(lent) == [
        {
            "upstream": "backend",
            "mode": "enforce",
            "limit": 2,
            "in_flight": 2,
            "waiting": 3,
            "waiting_by_priority": {"5": 1, "1": 2},
            "slowness": 0.0,
            "refused": 0,
        }
    ]
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)


async def test_it_says_how_slow_the_upstream_is(limit) -> None:
    lent = HandScope()
    guard = await limit(lent, most=20, latency="2s")
    for _ in range(SAMPLES):
        guard.admit(made := exchange())
        guard.settle(made, attempted(2.5), None)
    [item] = await listed(lent)
    assert (item["slowness"], item["limit"], item["in_flight"]) == (1.25, 16, 0)


async def test_one_that_two_policies_have_is_listed_once_and_those_of_closed_guards_not(limit) -> None:
    lent = HandScope()
    before, after, other = await limit(lent), await limit(lent), await limit(lent, most=7)
    assert [item["limit"] for item in await listed(lent)] == [100, 7]
    await before.close()
    await other.close()
    assert [item["limit"] for item in await listed(lent)] == [100]
    await after.close()
    assert await listed(lent) == []
