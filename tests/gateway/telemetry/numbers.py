"""Strategies for card numbers: real ones, and as people write them."""

from __future__ import annotations

from hypothesis import strategies as st

from gateway.cards import luhn

_ISSUED = [
    *(("4", length) for length in (13, 16, 19)),
    *(("51", 16), ("55", 16), ("2223", 16), ("34", 15), ("37", 15), ("36", 14), ("3528", 16), ("9792", 16)),
    *(("6011", length) for length in (16, 19)),
    *(("62", length) for length in (16, 17, 18, 19)),
    *(("58", length) for length in (13, 14, 15, 17)),
]


def card_numbers() -> st.SearchStrategy[str]:
    """Of issuers in the lengths that they issue."""
    return st.builds(
        lambda issued, rest: _with_check_digit(*issued, rest), st.sampled_from(_ISSUED), st.integers(0, 10**19)
    )


def spaced(number: str) -> st.SearchStrategy[str]:
    """The number in groups of at least two digits, with one separator of the usual ones between them."""
    sizes = st.sampled_from([4, 5, 6, len(number)])
    separators = st.sampled_from([" ", "+", "-", " - ", "\u00a0", "\u2013", "\u202f", "\u200b"])
    return st.builds(
        lambda size, separator: separator.join(number[at : at + size] for at in range(0, len(number), size)),
        sizes,
        separators,
    )


def _with_check_digit(beginning: str, length: int, rest: int) -> str:
    body = (beginning + f"{rest:019d}")[: length - 1]
    return next(body + digit for digit in "0123456789" if luhn(body + digit))
