from __future__ import annotations

import httpx
from starlette.routing import Router

from gateway.testing import HandScope
from tests.plugins.circuit_breaker.conftest import asking, attempted, call


async def listed(lent: HandScope) -> list[dict]:
    [board] = lent.components
    transport = httpx.ASGITransport(Router(board.admin_routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/")
    assert (answer.json()["next"], answer.headers["cache-control"]) == (None, "no-store")
    return answer.json()["items"]


async def test_every_circuit_is_listed_with_what_it_has_counted(breaker) -> None:
    lent = HandScope(place="backend")
    guard = await breaker(lent, minimum_calls=3, slow_call="1s")
    call(guard, 500, 1)
    call(guard, 200, 1)
    lent.clock.advance(5)
    made = asking(None)
    guard.settle(made, attempted(200, took=2.0), guard.admit(made))
    common = {
        "upstream": "backend",
        "mode": "enforce",
        "state": "closed",
        "refuses_for": 0,
        "opened": 0,
        "reason": None,
    }
    assert await listed(lent) == [
        {**common, "operation": "payment.create", "seconds": 5.0, "calls": 2, "failed": 1, "slow": 0},
        {**common, "operation": None, "seconds": 0.0, "calls": 1, "failed": 0, "slow": 1},
    ]
    lent.clock.advance(100)
    assert [item["calls"] for item in await listed(lent)] == [0, 0]


async def test_an_open_one_says_for_how_long_it_still_refuses(breaker) -> None:
    lent = HandScope()
    guard = await breaker(lent)
    call(guard, 500, 2)
    lent.clock.advance(12)
    [item] = await listed(lent)
    assert (item["state"], item["refuses_for"], item["opened"]) == ("open", 18.0, 1)
    assert item["reason"] == "failure_rate"
    lent.clock.advance(18)
    guard.admit(asking())
    [item] = await listed(lent)
    assert (item["state"], item["refuses_for"], item["seconds"]) == ("half_open", 0, 0.0)


async def test_one_that_two_policies_have_is_listed_once_and_those_of_closed_guards_not(breaker) -> None:
    lent = HandScope()
    before, after, other = await breaker(lent), await breaker(lent), await breaker(lent, open_for="1s")
    for guard in (before, other):
        call(guard, 200)
    assert len(await listed(lent)) == 2
    await before.close()
    await other.close()
    assert len(await listed(lent)) == 1
    await after.close()
    assert await listed(lent) == []
