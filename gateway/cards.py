"""Card numbers in text: found by their issuer, their form and their check digit, shown by their last four digits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

APART = r"\s+\-\u00ad\u00b7\u200b-\u200d\u2010-\u2015\u2060\u2212\ufeff"
"""What may stand between the digits of a card, as a set of a pattern; a form writes a space as ``+``."""

RUN = (
    rf"(?<!\d)(?<!\d\.)(?:\d(?:[{APART}]{{0,3}}\d){{12,}}"
    r"|\d{3,6}(?:[._]\d{3,7}){2,5}(?!\d))"
)
"""Thirteen digits or more, a little apart at most; not the decimals of a number.  ``conceal`` looks at it closely."""

_GROUP = re.compile(r"\d+")
_LENGTHS = range(13, 20)  # ISO/IEC 7812-1 allows 19; 13 was Visa's once
_LEAST, _MOST = _LENGTHS[0], _LENGTHS[-1]
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
_TELEPHONE = 13

_ISSUERS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("1", "1", (15,)),  # UATP
    ("2200", "2205", (16, 17, 18, 19)),  # Mir, BORICA
    ("2221", "2720", (16,)),  # Mastercard
    ("300", "305", (14, 16, 17, 18, 19)),  # Diners Club
    ("3095", "3095", (14, 16, 17, 18, 19)),
    ("34", "34", (15,)),  # American Express
    ("3528", "3589", (16, 17, 18, 19)),  # JCB, RuPay
    ("36", "36", (14, 15, 16, 17, 18, 19)),
    ("37", "37", (15,)),
    ("38", "39", (14, 16, 17, 18, 19)),
    ("4", "4", (13, 16, 19)),  # Visa
    ("50", "50", (13, 14, 15, 16, 17, 18, 19)),  # Maestro, Verve, Elo
    ("51", "55", (16,)),
    ("56", "58", (13, 14, 15, 16, 17, 18, 19)),
    ("60", "69", (13, 14, 15, 16, 17, 18, 19)),  # Maestro, Discover, UnionPay, RuPay, Hipercard
    ("81", "82", (16, 17, 18, 19)),  # UnionPay, RuPay
    ("8600", "8600", (16,)),  # Uzcard
    ("9704", "9704", (16, 19)),  # NAPAS
    ("9792", "9792", (16,)),  # Troy
    ("9860", "9860", (16,)),  # Humo
)
"""Beginnings, from and to, and the lengths issued there: ISO/IEC 7812's first digits as the networks publish them.

That spares what counts milli-, micro- or nanoseconds since 1970, and dates.
"""

_BY_FIRST_DIGIT = {digit: tuple(each for each in _ISSUERS if each[0].startswith(digit)) for digit in "0123456789"}

_UNISSUED = "".join(digit for digit, issued in _BY_FIRST_DIGIT.items() if not issued)
_RUN = re.compile(RUN)
_LONG = re.compile(r"[0-9]{15,}")
_ZEROS = bytes(48 if 48 <= byte < 58 else byte for byte in range(256))
_AT_LEAST = b"0" * _LEAST
_SHOWN = re.compile(r"\[card \*\d{4}\]")
_CODE = re.compile(r"(?<![\d.*])\d{3,4}(?!\d)")
_TRACK = re.compile(r"[=^][\dA-Z/ ^]{4,}\??")  # the rest of a magnetic stripe: ISO/IEC 7813
_REACH = 40
"""Characters behind a card in which its security code begins, if there is one."""

_SPARE = 5
"""As many digits as tell that a number is none."""


def is_card(digits: str) -> bool:
    """Whether a card network could have issued it: its first digits and length, its check digit."""
    return len(digits) in _LENGTHS and _issued(digits) and luhn(digits)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    written = digits.encode()
    return (sum(written[-1::-2]) + sum(written[-2::-2].translate(_DOUBLED)) - 48 * len(written)) % 10 == 0


def _issued(digits: str) -> bool:
    for first, last, lengths in _BY_FIRST_DIGIT[digits[0]]:
        if len(digits) in lengths and first <= digits[: len(first)] <= last:
            return True
    return False


def conceal(run: str, before: str = "") -> str:
    """The run with every card in it as ``[card *1234]``.

    A card is whole groups of digits, so an expiry date beside it hides nothing and a long number holds no card.
    ``before`` is the character before the run: a plus sign tells a telephone number of 13 digits.
    """
    position, parts = 0, list[str]()
    for start, end, digits in _cards(run):
        if not (len(digits) == _TELEPHONE and (run[start - 1] if start else before) == "+"):
            parts += [_CODE.sub(_stars, run[position:start]), f"[card *{digits[-4:]}]"]
            position = end
    return "".join(parts) + run[position:]


def beside(text: str) -> str:
    """A text in which cards are concealed, without what may be a security code behind one.

    That is whatever has three or four digits: the name of its field may be missing, or in any language.
    """
    parts, position = list[str](), 0
    for shown in _SHOWN.finditer(text):
        at, reach = shown.end(), shown.end() + _REACH
        if (track := _TRACK.match(text, at)) is not None:
            parts += [text[position:at], _stars(track)]
            position = track.end()
        for code in _CODE.finditer(text, max(at, position), reach + _SPARE):
            if code.start() >= reach:
                break
            parts += [text[position : code.start()], _stars(code)]
            position = code.end()
    return "".join(parts) + text[position:]


def holds(text: str) -> bool:
    """Whether a text, as it stands, holds a card's number."""
    if text.isascii() and text.encode().translate(_ZEROS, b" +-._\t\r\n").find(_AT_LEAST) < 0:
        return False
    return any(conceal(run[0], text[run.start() - 1 : run.start()]) != run[0] for run in _RUN.finditer(text))


def embeds(text: str) -> bool:
    """Whether a card of 15 digits or more stands anywhere in it, also within a longer row of digits."""
    return any(
        is_card(run[0][at : at + length])
        for run in _LONG.finditer(text)
        for length in range(15, _MOST + 1)
        for at in range(len(run[0]) - length + 1)
    )


def _stars(found: re.Match[str]) -> str:
    return "*" * len(found[0])


def _cards(run: str) -> Iterator[tuple[int, int, str]]:
    """Where each card begins and ends in the run, and its digits; the longest that begins with a group."""
    groups = list(_GROUP.finditer(run))
    texts = [each[0] if each[0].isascii() else _digits(each[0]) for each in groups]
    index = 0
    while index < len(groups):
        last, digits = _card_at(texts, index)
        if digits:
            yield groups[index].start(), groups[last].end(), digits
            index = last
        index += 1


def _digits(written: str) -> str:
    """Whatever script they are written in."""
    return "".join(str(int(each)) for each in written)


def _card_at(texts: list[str], first: int) -> tuple[int, str]:
    """The last group and the digits of the longest card that begins with the group ``first``."""
    last, card = first, ""
    if texts[first][0] in _UNISSUED:
        return last, card
    for index, digits in enumerate(accumulate(texts[first : first + _MOST]), first):
        if len(digits) > _MOST:
            break
        if len(digits) >= _LEAST and is_card(digits):
            last, card = index, digits
    return last, card
