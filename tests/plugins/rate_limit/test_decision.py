"""What is admitted, in memory and by Redis: the same sentences over both."""

from __future__ import annotations

import pytest

from plugins.rate_limit.decision import PIECES
from plugins.rate_limit.filter import DECIDE, SPEND
from tests.plugins.rate_limit.conftest import punished, rule


async def admitted(hand, *rules, keys=("k", "k2", "k3", "k4"), blocks=0) -> bool:
    return await hand.run(DECIDE, list(keys), (blocks, list(rules))) is None


async def test_a_limit_of_n_admits_n_from_idle_and_no_more(hand) -> None:
    assert [await admitted(hand, rule(limit=5)) for _ in range(7)] == [True] * 5 + [False] * 2


async def test_room_comes_back_request_by_request(hand) -> None:
    for _ in range(3):
        await admitted(hand, rule())
    await hand.turn(19.9)
    assert not await admitted(hand, rule())
    await hand.turn(0.2)
    assert await admitted(hand, rule())
    assert not await admitted(hand, rule())


async def test_a_refusal_says_which_limit_and_for_how_long(hand) -> None:
    for _ in range(3):
        await admitted(hand, rule())
    await hand.turn(5)
    told = await hand.run(DECIDE, ["k"], (0, [rule()]))

    assert told[0] == "limited"
    assert told[1] == [[0, pytest.approx(15, abs=1e-5)]]


async def test_a_refusal_takes_nothing_from_the_others(hand) -> None:
    narrow, wide = rule(0, limit=1), rule(1, limit=3)
    assert await admitted(hand, narrow, wide)
    assert [await admitted(hand, narrow, wide) for _ in range(5)] == [False] * 5
    assert [await admitted(hand, wide._replace(key=0), keys=["k2"]) for _ in range(3)] == [True, True, False]


async def test_burst_is_how_many_come_at_once_and_the_rate_stays(hand) -> None:
    burst = rule(limit=60, seconds=60, burst=2)
    assert [await admitted(hand, burst) for _ in range(3)] == [True, True, False]
    await hand.turn(1.01)
    assert [await admitted(hand, burst) for _ in range(2)] == [True, False]


async def test_a_request_takes_its_cost(hand) -> None:
    assert [await admitted(hand, rule(limit=5, cost=2)) for _ in range(3)] == [True, True, False]
    assert await admitted(hand, rule(limit=5, cost=1))


@pytest.mark.parametrize(("limit", "seconds"), [(100, 1.0), (7, 60.0), (30, 60.0), (50_000, 60.0)])
async def test_in_a_steady_stream_gcra_admits_within_one_of_the_ideal(memory, limit, seconds) -> None:
    """Asked three times as often as it admits: what passes is the burst, and then exactly the rate."""
    step, count, passed = seconds / limit / 3, 3000, 0
    for _ in range(count):
        passed += await admitted(memory, rule(limit=limit, seconds=seconds, burst=1))
        await memory.turn(step)
    ideal = 1 + (count - 1) * step * limit / seconds

    assert abs(passed - ideal) <= 1


async def test_a_clock_that_is_set_back_neither_frees_nor_blocks(hand) -> None:
    for _ in range(3):
        await admitted(hand, rule())
    await hand.turn(-3600)
    assert not await admitted(hand, rule())
    await hand.turn(20.1)
    assert await admitted(hand, rule())


async def test_a_sliding_window_never_admits_more_than_its_limit_in_any_such_time(memory) -> None:
    times = []
    for _ in range(2000):
        if await admitted(memory, rule(limit=10, seconds=60, sliding=True)):
            times.append(memory.now)
        await memory.turn(0.37)

    assert all(later - earlier >= 60 for earlier, later in zip(times, times[10:], strict=False))
    assert len(times) >= 2000 * 0.37 / 60 * 10 * (1 - 1.5 / PIECES)


async def test_a_sliding_window_admits_all_at_once_and_says_when_there_is_room_again(hand) -> None:
    window = rule(limit=3, seconds=60, sliding=True)
    assert [await admitted(hand, window) for _ in range(4)] == [True, True, True, False]
    told = await hand.run(DECIDE, ["k"], (0, [window]))
    wait = told[1][0][1]
    assert 60 <= wait <= 60 * (1 + 1 / PIECES)
    await hand.turn(wait - 0.01)
    assert not await admitted(hand, window)
    await hand.turn(0.02)
    assert [await admitted(hand, window) for _ in range(4)] == [True, True, True, False]


async def test_a_sliding_window_stands_still_while_the_clock_is_set_back(hand) -> None:
    window = rule(limit=2, seconds=60, sliding=True)
    assert [await admitted(hand, window) for _ in range(2)] == [True, True]
    await hand.turn(-7200)
    assert not await admitted(hand, window)
    await hand.turn(64)
    assert await admitted(hand, window)


async def test_what_counts_failures_looks_and_takes_nothing_until_it_is_told(hand) -> None:
    failures = rule(limit=2, takes=False)
    assert [await admitted(hand, failures) for _ in range(5)] == [True] * 5
    await hand.run(SPEND, ["k"], (0, [failures]))
    assert await admitted(hand, failures)
    await hand.run(SPEND, ["k"], (0, [failures]))
    assert not await admitted(hand, failures)
    await hand.turn(31)
    assert await admitted(hand, failures)


@pytest.mark.parametrize("sliding", [False, True])
async def test_what_is_given_back_can_be_taken_again_and_no_more_than_that(hand, sliding) -> None:
    taking = rule(limit=2, sliding=sliding)
    assert [await admitted(hand, taking) for _ in range(3)] == [True, True, False]
    await hand.run(SPEND, ["k"], (0, [taking._replace(cost=-1)]))
    assert [await admitted(hand, taking) for _ in range(2)] == [True, False]
    for _ in range(9):
        await hand.run(SPEND, ["k"], (0, [taking._replace(cost=-1)]))
    assert [await admitted(hand, taking) for _ in range(3)] == [True, True, False]


async def test_a_key_that_is_refused_so_often_is_blocked_and_the_refusal_says_so(hand) -> None:
    keys = ["block", "k", "strikes", "cooling", "offences"]
    strict = rule(1, limit=1, punishment=punished(2, block=0, after=3, lasts=900))
    told = [await hand.run(DECIDE, keys, (1, [strict])) for _ in range(5)]

    assert told[0] is None
    assert [each[0] for each in told[1:]] == ["limited", "limited", "limited", "blocked"]
    assert told[3][2] == [[0, 900]]
    assert len(told[2]) == 2
    assert told[4][1] == 0
    assert 899 < told[4][2] <= 900
    assert await hand.store.get("block") == b'{"by":"rate_limit","reason":"test"}'


async def test_each_next_block_of_a_key_is_longer_up_to_the_longest(hand) -> None:
    keys = ["block", "k", "strikes", "cooling", "offences"]
    strict = rule(1, limit=1, punishment=punished(2, block=0, after=1, lasts=100, growing=3.0, longest=500))
    await admitted(hand, strict, keys=keys, blocks=1)
    lasted = []
    for _ in range(4):
        told = await hand.run(DECIDE, keys, (1, [strict]))
        lasted.append(told[2][0][1])
        await hand.store.remove("block")

    assert lasted == [100, 300, 500, 500]


async def test_a_block_refuses_whatever_room_there_is_and_takes_nothing(hand) -> None:
    await hand.store.put("block", b"{}", 60, hold=True)
    assert (await hand.run(DECIDE, ["block", "k"], (1, [rule(1)])))[:2] == ["blocked", 0]
    await hand.store.remove("block")
    assert [await admitted(hand, rule(1), keys=["block", "k"], blocks=1) for _ in range(4)] == [True] * 3 + [False]


async def test_a_cooldown_refuses_although_there_is_room_again(hand) -> None:
    keys = ["k", "strikes", "cooling", "offences"]
    cooled = rule(0, limit=60, seconds=60, burst=1, punishment=punished(1, cooldown=300.0))
    assert await admitted(hand, cooled, keys=keys)
    assert not await admitted(hand, cooled, keys=keys)
    await hand.turn(10)
    told = await hand.run(DECIDE, keys, (0, [cooled]))

    assert told[0] == "limited"
    assert 280 < told[1][0][1] <= 300
    await hand.store.remove("cooling")
    assert await admitted(hand, cooled, keys=keys)


async def test_no_rule_at_all_admits(hand) -> None:
    assert await admitted(hand)
