from __future__ import annotations

import random

import pytest

from plugins.fraud.records import LAYOUT, MARK, MARKS, NEVER, answered, currency_code, marks_of, seen, with_money

EUR = currency_code("eur")


def view_after(payments, at):
    record = None
    for then, amount, marks in payments:
        _, record = seen(record, then, amount, EUR, marks)
    return seen(record, at, None, EUR, ())[0]


def test_a_counter_is_about_what_came_within_its_window() -> None:
    rng = random.Random(1)
    times = sorted(rng.uniform(0, 60 * 86400) for _ in range(6_000))
    view = view_after([(at, 100.0, ()) for at in times], 60 * 86400)

    assert view[3:5] == pytest.approx([100, 700], rel=0.25)


def test_the_size_of_a_record_has_a_bound() -> None:
    record = None
    for number in range(1_000):
        _, record = seen(record, number, 100.0, EUR, (f"E{number:06}".encode(), f"D{number:06}".encode(), b""))

    assert len(record) == LAYOUT.size + MARK * MARKS


def test_peers_beyond_the_bound_that_return_are_counted_again() -> None:
    cards = [f"C{number % 13:06}".encode() for number in range(26)]
    few = [f"C{number % 12:06}".encode() for number in range(24)]

    assert view_after([(0.0, None, (card,)) for card in cards], 0.0)[15] == 26
    assert view_after([(0.0, None, (card,)) for card in few], 0.0)[15] == 12


def test_marks_are_those_of_the_keys_that_are_there() -> None:
    marks = marks_of((None, "a-card-123456", None, None, "10.0.0.1", None, None))

    assert marks[0] == marks[2] == (b"C123456",)
    assert marks[1] == (b"", b"", b"I.0.0.1")


def test_an_answer_changes_only_the_declines() -> None:
    _, record = seen(None, 5.0, 100.0, EUR, (b"Cabcdef",))
    twice = answered(answered(record, True), True)

    assert seen(twice, 5.0, None, EUR, ())[0][14] == 2
    assert answered(twice, False) == record


def test_money_of_another_currency_takes_the_place_of_ones_own() -> None:
    view = tuple(float(number) for number in range(18))

    assert with_money(view, NEVER) == (*view[:6], *NEVER[6:13], *view[13:])
