"""How keys and salts are written: ``hex``, whose id is 1, or ``id:hex,id:hex``; in a file one a line as well."""

from __future__ import annotations

import re
from collections.abc import Callable

ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_BETWEEN = re.compile(r"[,\n]\s*")


def read(text: str, word: str, fault: Callable[[int], str | None]) -> dict[str, bytes]:
    """By their ids, in their order; commas or line breaks separate them.  ``fault`` says what is wrong with a length.

    ValueError calls each a ``word``, says what is wrong, and repeats none of them.
    """
    found: dict[str, bytes] = {}
    for number, each in enumerate(_BETWEEN.split(text.strip()), 1):
        identifier, colon, digits = each.strip().rpartition(":")
        if not colon:
            identifier = "1"
        if not ID.fullmatch(identifier):
            raise ValueError(f"the id of {word} {number} is letters, digits, - and _")
        if identifier in found:
            raise ValueError(f"two {word}s have the id {identifier}; write id:hex,id:hex")
        found[identifier] = _bytes(digits, f"{word} {number}", fault)
    return found


def digits(text: str) -> tuple[str, ...]:
    """Each of them as it is written, without its id: what may stand in no output."""
    return tuple(each.rpartition(":")[2].strip() for each in _BETWEEN.split(text.strip()))


def _bytes(written: str, which: str, fault: Callable[[int], str | None]) -> bytes:
    try:
        found = bytes.fromhex(written)
    except ValueError:
        raise ValueError(f"{which} is not hex") from None
    if (reason := fault(len(found))) is not None:
        raise ValueError(f"{which} has {len(found)} bytes; {reason}")
    return found
