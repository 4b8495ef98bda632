"""Ways in which an attack is written so that only the backend reads it."""

from __future__ import annotations

from collections.abc import Callable

from .samples import Dice


def plain(_: Dice, text: str) -> str:
    return text


def escaped(_: Dice, text: str) -> str:
    r"""Each sign as ``\u`` and four digits."""
    return "".join(each if each.isalnum() else f"\\u{ord(each):04x}" for each in text)


def percent(_: Dice, text: str) -> str:
    return "".join(each if each.isalnum() else "".join(f"%{byte:02X}" for byte in each.encode()) for each in text)


def every_percent(_: Dice, text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def double_percent(dice: Dice, text: str) -> str:
    return percent(dice, text).replace("%", "%25")


def entity(dice: Dice, text: str) -> str:
    """Each sign as a decimal or hexadecimal entity."""
    return "".join(each if each.isalnum() else dice.choice((f"&#{ord(each)};", f"&#x{ord(each):x};")) for each in text)


def full_width(_: Dice, text: str) -> str:
    """Signs and letters as the full-width forms that compatibility folding undoes."""
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


def mixed(dice: Dice, text: str) -> str:
    """Each sign in another way, and some letters too."""
    ways = (
        lambda each: each,
        lambda each: "".join(f"%{byte:02x}" for byte in each.encode()),
        lambda each: f"&#{ord(each)};",
        lambda each: f"\\u{ord(each):04x}",
    )
    return "".join(each if each.isalnum() and dice.random() < 0.8 else dice.choice(ways)(each) for each in text)


ENCODINGS: dict[str, Callable[[Dice, str], str]] = {
    "plain": plain, "\\u": escaped, "percent": percent, "percent, all": every_percent, "double percent": double_percent,
    "entity": entity, "full width": full_width, "mixed": mixed,
}  # fmt: skip
"""Every way by its name, as it is first."""
