from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import cards
from tests.gateway.telemetry.numbers import card_numbers, spaced


@pytest.mark.parametrize(
    "number",
    [
        "4222222222222",
        "4111111111111111",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "6011111111111117",
        "6205500000000000004",
        "30569309025904",
        "135412345678911",
    ],
)
def test_the_numbers_of_every_network_are_cards(number):
    assert cards.is_card(number)


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("411111111111", "too short"),
        ("41111111111111111111", "too long"),
        ("41111111111111", "no issuer of Visa has 14 digits"),
        ("7111111111111114", "nobody issues what begins with 7"),
        ("4111111111111112", "its check digit is wrong"),
        ("0000000000000000", "no card begins with 0"),
        ("1762345678128", "milliseconds since 1970"),
        ("20261105101117", "a date and a time"),
    ],
)
def test_other_numbers_are_no_cards(number, why):
    assert not cards.is_card(number), why


@given(card_numbers())
def test_a_changed_digit_is_noticed(number):
    assert not cards.luhn(str((int(number[0]) + 1) % 10) + number[1:])


@given(card_numbers().flatmap(spaced))
def test_a_card_shows_its_last_four_digits_only(written):
    assert cards.conceal(written) == f"[card *{re.sub('[^0-9]', '', written)[-4:]}]"


@given(card_numbers(), st.sampled_from(["12 27", "1227", "123"]))
def test_what_stands_beside_a_card_hides_nothing(number, beside):
    assert number not in cards.conceal(f"{beside} {number}")
    assert number not in cards.conceal(f"{number} {beside}")


def test_a_longer_number_holds_no_card():
    assert cards.conceal("4111111111111111" * 2) == "4111111111111111" * 2


def test_digits_of_other_scripts_count():
    assert cards.conceal("".join(chr(0xFF10 + int(digit)) for digit in "4111111111111111")).startswith("[card ")


@pytest.mark.parametrize("apart", [".", "_", "\t", "\u00b7", "\u200b", "\u202f", " - "])
def test_what_stands_between_the_digits_hides_nothing(apart):
    assert cards.holds(apart.join(["card 4111", "1111", "1111", "1111."]))


def test_thirteen_digits_behind_a_plus_sign_are_a_telephone_number():
    assert cards.is_card("4915112345678")
    assert not cards.holds("call +4915112345678")
    assert cards.holds("card 4915112345678")
    assert cards.holds("note=pay+4111111111111111")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[card *1111] 12/27 123", "[card *1111] 12/27 ***"),
        ("[card *1111], cid 1234.", "[card *1111], cid ****."),
        ("[card *1111]=27121011234567890? paid", "[card *1111]******************* paid"),
        ("[card *1111] [card *4444] 123", "[card *1111] [card *4444] ***"),
        ("[card *1111] order 12345, 1.234", "[card *1111] order 12345, 1.234"),
        (
            "[card *1111] and, very much further behind it, the order 123",
            "[card *1111] and, very much further behind it, the order 123",
        ),
        ("no card, 123", "no card, 123"),
    ],
)
def test_what_may_be_a_security_code_behind_a_card_is_masked(text, shown):
    assert cards.beside(text) == shown
    assert cards.beside(shown) == shown


@pytest.mark.parametrize(
    ("text", "embedded"),
    [
        ("00000000000000004111111111111111", True),
        ("ab4111111111111111cd", True),
        ("4bf92f3577b34da6a3ce929d0e0e4736", False),
    ],
)
def test_a_card_within_a_longer_row_of_digits_is_found_where_one_asks_for_it(text, embedded):
    assert cards.embeds(text) is embedded
    assert not cards.holds("00000000000000004111111111111111")
