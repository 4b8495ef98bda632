"""Card numbers in text: found by their form and their check digit, shown by their last four digits."""

from __future__ import annotations

import re

RUN = r"(?<!\d)(?<!\d\.)\d(?:[ +\-\u00a0\u2010-\u2015]{0,3}\d){12,}"
"""Thirteen digits or more, a little apart at most; not the decimals of a number.  ``conceal`` looks at it closely.

A form writes a space as ``+``.
"""

_GROUP = re.compile(r"\d+")
_LENGTHS = range(13, 20)  # ISO/IEC 7812-1 allows 19; 13 was Visa's once
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def is_card(digits: str) -> bool:
    """Whether a card network could have issued it: its length, its first digits, its check digit."""
    return len(digits) in _LENGTHS and _issued(digits) and luhn(digits)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[number] for number in numbers[1::2])) % 10 == 0


def _issued(digits: str) -> bool:
    """No card begins with 0; those with 1 are UATP's, of 15 digits; those with 2 begin at 22.

    That spares dates, and what counts milli-, micro- or nanoseconds since 1970.
    """
    first = digits[:2]
    return "22" <= first <= "27" or first >= "30" or (first >= "10" and first < "20" and len(digits) == 15)


def conceal(run: str) -> str:
    """The run with every card in it as ``[card *1234]``.

    A card is whole groups of digits, so an expiry date beside it hides nothing and a long number holds no card.
    """
    groups = list(_GROUP.finditer(run))
    parts: list[str] = []
    position = index = 0
    while index < len(groups):
        last, digits = _card_at(groups, index)
        if digits:
            parts += [run[position : groups[index].start()], f"[card *{digits[-4:]}]"]
            position, index = groups[last].end(), last
        index += 1
    return "".join(parts) + run[position:]


def _card_at(groups: list[re.Match[str]], first: int) -> tuple[int, str]:
    """The last group and the digits of the longest card that begins with the group ``first``."""
    digits, last, card = "", first, ""
    for index in range(first, len(groups)):
        digits += "".join(str(int(digit)) for digit in groups[index][0])  # whatever script they are written in
        if len(digits) > _LENGTHS[-1]:
            break
        if is_card(digits):
            last, card = index, digits
    return last, card
