"""Redis and memory decide alike, whatever they are asked in whatever order and time."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store.memory import MemoryStore
from plugins.rate_limit.filter import DECIDE, SPEND
from tests.plugins.rate_limit.conftest import HandRedis, punished, rule

KEYS = ["block:{a}", "k1", "s1", "c1", "o1", "k2", "k3"]


@st.composite
def entries(draw):
    first = rule(
        1,
        limit=draw(st.integers(1, 6)),
        seconds=draw(st.sampled_from([1.0, 7.0, 60.0])),
        burst=draw(st.one_of(st.none(), st.integers(2, 9))),
        cost=draw(st.integers(1, 2)),
        punishment=punished(2, 0, after=draw(st.integers(3, 6)), within=36000.0, lasts=36000.0, growing=2.0),
    )
    second = rule(5, limit=draw(st.integers(1, 9)), seconds=draw(st.sampled_from([1.0, 60.0])), sliding=True)
    third = rule(6, limit=draw(st.integers(2, 20)), seconds=3.0, takes=draw(st.booleans()))
    return [first._replace(cost=min(first.cost, first.most)), second, third]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["decide", "spend", "back"]), st.floats(-3, 30, allow_nan=False).map(lambda x: round(x, 3))
    ),
    min_size=1,
    max_size=40,
)


def rounded(told):
    """Waits to the millisecond, as Redis keeps times to live; for how long a block still holds, by no hand's clock."""
    if told is None:
        return None
    if told[0] == "blocked":
        return told[:2]
    return [told[0], [[number, round(wait, 3)] for number, wait in told[1]], *told[2:]]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries(), STEPS)
def test_both_say_the_same_of_any_sequence(valkey, rules, steps) -> None:
    async def both() -> None:
        now = 1_700_000_000.5
        memory, redis = MemoryStore(clock=lambda: now), HandRedis(valkey.url, timeout=1.0)
        await redis.open()
        try:
            for key in KEYS:
                await redis.remove(key)
            for what, seconds in steps:
                now += seconds
                await redis.set_clock(now)
                cost = {"spend": 1, "back": -1}.get(what, 0)
                procedure = DECIDE if what == "decide" else SPEND
                asked = (1, rules) if what == "decide" else (0, [each._replace(cost=cost) for each in rules])
                here, there = await memory.run(procedure, KEYS, asked), await redis.run(procedure, KEYS, asked)
                assert rounded(here) == rounded(there), (what, now)
        finally:
            await redis.close()

    asyncio.run(both())


async def test_an_entry_is_one_command_at_the_server(redis, valkey) -> None:
    rules = [rule(1), rule(5), rule(6)]
    await redis.run(DECIDE, KEYS, (1, rules))
    before = valkey.commands()
    await asyncio.gather(*(redis.run(DECIDE, KEYS, (1, rules)) for _ in range(50)))
    after = valkey.commands()

    assert after["evalsha"] - before.get("evalsha", 0) == 50
    assert after["eval"] == before["eval"]


async def test_what_redis_keeps_of_a_limit_goes_when_it_means_nothing_any_more(redis, valkey) -> None:
    await redis.run(DECIDE, ["gcra", "window"], (0, [rule(0, limit=30, seconds=60), rule(1, sliding=True)]))

    assert 0 < valkey.run("PTTL", "payguard:gcra") <= 62_000
    assert 0 < valkey.run("PTTL", "payguard:window") <= 63_000


@pytest.mark.parametrize("limit", [3, 30_000])
async def test_fractions_of_a_request_are_kept_from_one_to_the_next(redis, memory, limit) -> None:
    """Asked three times as often as it admits, with a clock that tells 0.2 µs apart."""
    asked = (0, [rule(0, limit=limit, seconds=7.0, burst=2)])
    told = []
    for hand in (redis, memory):
        passed = 0
        for _ in range(300):
            passed += await hand.run(DECIDE, ["k"], asked) is None
            await hand.turn(7.0 / limit / 3)
        told.append(passed)

    assert all(abs(passed - 101) <= 1 for passed in told)
