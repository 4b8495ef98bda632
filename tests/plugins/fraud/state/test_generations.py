"""A bounded table keeps what is used."""

from __future__ import annotations

from plugins.fraud.state.generations import Generations


def test_it_never_holds_more_than_it_may() -> None:
    table = Generations(100)
    for number in range(10_000):
        table.keep(f"k{number}", b"v")
        assert len(table) <= 100


def test_a_flood_of_keys_that_come_once_does_not_drive_out_one_that_is_used() -> None:
    table = Generations(100)
    table.keep("mine", b"v")
    for number in range(10_000):
        table.keep(f"k{number}", b"v")
        if number % 20 == 0:
            assert table.get("mine") == b"v"


def test_what_is_kept_again_has_its_new_value_and_counts_once() -> None:
    table = Generations(2)
    table.keep("a", b"1")
    table.keep("b", b"1")
    table.keep("c", b"1")
    table.keep("b", b"2")

    assert table.get("b") == b"2"
    assert len(table) == 2
