"""The bounded table: what it forgets first, and that an attacker's fresh keys push out neither blocks nor breaches."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from gateway.store.table import HELD_SHARE, BoundedTable


class Hand:
    now = 1000.5

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


def table_of(most: int, hand: Hand) -> BoundedTable:
    return BoundedTable(most, hand)


def test_what_is_held_survives_any_number_of_fresh_keys(hand) -> None:
    table = table_of(100, hand)
    for number in range(20):
        table.put(f"block{number}", b"x", 900, hold=True)
    for number in range(10_000):
        table.put(f"fresh{number}", [1.0], 60)

    assert all(table.get(f"block{number}") for number in range(20))
    assert len(table) == 100


def test_a_key_that_comes_to_be_held_is_moved_to_what_is(hand) -> None:
    table = table_of(100, hand)
    table.put("breach", [1], 60)
    table.put("breach", table.get("breach"), 60, hold=True)
    for number in range(1000):
        table.put(f"fresh{number}", [1.0], 60)

    assert table.get("breach") == [1]


def test_what_is_held_takes_a_share_of_the_table_and_no_more(hand) -> None:
    table = table_of(100, hand)
    for number in range(1000):
        table.put(f"block{number}", b"x", 900, hold=True)

    assert len(table) == 100 // HELD_SHARE
    assert table.get("block999")
    assert table.get("block0") is None


def test_one_that_is_held_stays_so_when_it_is_written_again(hand) -> None:
    table = table_of(100, hand)
    table.put("breach", [1], 60, hold=True)
    table.put("breach", [2], 60)
    for number in range(1000):
        table.put(f"fresh{number}", [1.0], 60)

    assert table.get("breach") == [2]


def test_what_was_extended_outlives_its_first_time_to_live(hand) -> None:
    table = table_of(3, hand)
    table.put("long", b"x", 2)
    table.extend("long", 60)
    hand.now += 10
    table.look()
    for number in range(2):
        table.put(f"fresh{number}", b"x", 60)

    assert table.get("long") == b"x"
    assert table.left("long") == pytest.approx(50)
    hand.now += 60
    table.look()
    table.put("last", b"x", 60)
    assert table.get("long") is None
    assert table.left("long") == 0


def test_what_is_extended_and_not_there_is_not_there(hand) -> None:
    table = table_of(3, hand)
    table.extend("a", 60)
    assert table.get("a") is None


def test_what_is_to_stay_for_less_long_goes_when_that_is_over(hand) -> None:
    table = table_of(2, hand)
    table.put("a", b"x", 600)
    table.put("a", b"x", 1)
    table.put("b", b"x", 600)
    table.get("a")
    hand.now += 5
    table.look()
    table.put("c", b"x", 600)

    assert table.get("b") == b"x"
    assert len(table) == 2


def test_one_write_moves_few_of_the_many_that_were_extended_together(hand) -> None:
    table = table_of(5000, hand)
    for number in range(2000):
        table.put(f"a{number}", b"x", 1)
    for number in range(2000):
        table.extend(f"a{number}", 600)
    hand.now += 5
    table.look()
    table.put("b", b"x", 60)

    assert len(table._expiring[1002]) >= 1990
    assert all(table.get(f"a{number}") for number in range(2000))


def test_a_flood_of_distinct_keys_leaves_memory_within_its_bound(hand) -> None:
    """Two hundred thousand here; ``python -m bench.limits --keys 10000000`` does ten million."""
    table = table_of(2000, hand)

    def flood(first: int) -> int:
        for number in range(first, first + 100_000):
            hand.now += 0.0001
            table.look()
            table.put(f"rate:route:30/60:gcra:{{ip:1:{number:032x}}}", [1.0, hand.now, hand.now + 120], 120)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first, second = flood(0), flood(100_000)
    finally:
        tracemalloc.stop()

    assert len(table) == 2000
    assert second < first * 1.05
    assert sum(len(keys) for keys in table._expiring.values()) == 2000
