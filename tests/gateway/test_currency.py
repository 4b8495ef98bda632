from __future__ import annotations

import pytest

from gateway.currency import ISO_4217, STRIPE, exponent, minor_units, step


@pytest.mark.parametrize(
    ("currency", "iso", "stripe"),
    [("eur", 2, 2), ("jpy", 0, 0), ("kwd", 3, 3), ("isk", 0, 2), ("ugx", 0, 2), ("mga", 2, 0), ("xau", None, None)],
)
def test_the_two_rules_differ_where_stripe_says_so(currency, iso, stripe):
    assert exponent(currency, "iso4217") == iso
    assert exponent(currency, "stripe") == stripe


def test_codes_are_small_letters():
    assert exponent("EUR", "iso4217") is None


@pytest.mark.parametrize(("currency", "multiple"), [("isk", 100), ("kwd", 10), ("eur", 1), ("jpy", 1)])
def test_stripe_takes_some_amounts_only_with_zeros_at_their_end(currency, multiple):
    assert step(currency, "stripe") == multiple
    assert step(currency, "iso4217") == 1


def test_both_rules_know_the_same_currencies():
    assert set(ISO_4217) == set(STRIPE)
    assert all(len(code) == 3 and code.isascii() and code.islower() for code in ISO_4217)


@pytest.mark.parametrize(
    ("value", "currency", "unit", "exponents", "minor"),
    [
        (1999, "eur", "minor", "iso4217", 1999),
        ("19.99", "eur", "major", "iso4217", 1999),
        (19.99, "eur", "major", "iso4217", 1999),
        (1999, "jpy", "major", "iso4217", 1999),
        (5, "isk", "major", "stripe", 500),
        (-1, "eur", "minor", "iso4217", -1),
    ],
)
def test_an_amount_is_an_integer_of_minor_units(value, currency, unit, exponents, minor):
    assert minor_units(value, currency, unit, exponents) == minor


@pytest.mark.parametrize("value", [None, True, "1999", 19.0, "19,99", {}, float("nan")])
def test_what_is_none_in_minor_units_says_so(value):
    with pytest.raises(ValueError, match="The amount is not an integer of minor units"):
        minor_units(value, "eur")


@pytest.mark.parametrize("value", [None, True, "19.999", 19.999, "1e3", "", " 1", 1e15, [], float("inf")])
def test_what_is_none_in_major_units_says_so(value):
    with pytest.raises(ValueError, match="The amount is not a number with at most 2 decimals"):
        minor_units(value, "eur", "major")
