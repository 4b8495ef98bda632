"""Strategies for card numbers: real ones, and as people write them."""

from __future__ import annotations

from hypothesis import strategies as st

from gateway.telemetry.cards import luhn

_BEGINNINGS = ["4", "51", "55", "2223", "34", "37", "6011", "62", "9792"]


def card_numbers() -> st.SearchStrategy[str]:
    lengths = st.integers(13, 19)
    return st.builds(_with_check_digit, st.sampled_from(_BEGINNINGS), lengths, st.integers(0, 10**19))


def spaced(number: str) -> st.SearchStrategy[str]:
    """The number in groups of at least two digits, with one separator of the usual ones between them."""
    sizes = st.sampled_from([4, 5, 6, len(number)])
    separators = st.sampled_from([" ", "+", "-", " - ", "\u00a0", "\u2013"])
    return st.builds(
        lambda size, separator: separator.join(number[at : at + size] for at in range(0, len(number), size)),
        sizes,
        separators,
    )


def _with_check_digit(beginning: str, length: int, rest: int) -> str:
    body = (beginning + f"{rest:019d}")[: length - 1]
    return next(body + digit for digit in "0123456789" if luhn(body + digit))
