"""Numbers: cards that are nobody's, one for each payment, and how people and programs write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random

ISSUED = (
    *(("4", 16),) * 4,
    *(("51", 16), ("55", 16), ("2223", 16)),
    ("6011", 16),
    ("3528", 16),
    ("37", 15),
    ("6212", 19),
)
"""Beginnings and lengths.  Of shorter ones a hundred thousand would be found by chance in so much output."""


def numbers(random: Random) -> Iterator[str]:
    """Each another one."""
    known = set[str]()
    while True:
        beginning, length = random.choice(ISSUED)
        body = beginning + "".join(random.choices("0123456789", k=length - 1 - len(beginning)))
        number = body + _check_digit(body)
        if number not in known:
            known.add(number)
            yield number


def _check_digit(body: str) -> str:
    """ISO/IEC 7812-1, annex B."""
    doubled = (sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(body)))
    return str(-sum(doubled) % 10)


def _grouped(apart: str, size: int = 4) -> Callable[[str], str]:
    return lambda number: apart.join(number[at : at + size] for at in range(0, len(number), size))


FORMS: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "spaces": _grouped(" "),
    "dashes": _grouped("-"),
    "dots": _grouped("."),
    "underscores": _grouped("_"),
    "sixes": _grouped(" - ", 6),
    "pairs": _grouped(" ", 2),
    "no-break spaces": _grouped("\u00a0"),
    "narrow spaces": _grouped("\u202f"),
    "long dashes": _grouped("\u2013"),
    "fullwidth digits": lambda number: "".join(chr(0xFF10 + int(digit)) for digit in number),
    "arabic digits": lambda number: "".join(chr(0x0660 + int(digit)) for digit in number),
    "with its expiry": lambda number: f"{number} 12/29",
}
"""In texts."""

ASCII_FORMS = {name: FORMS[name] for name in ("plain", "spaces", "dashes", "dots", "sixes", "with its expiry")}
"""In header fields."""


def percent(text: str) -> str:
    """Every byte percent-encoded."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def json_escaped(text: str) -> str:
    """Every character as JSON may write it."""
    return "".join(f"\\u{ord(each):04x}" for each in text)
