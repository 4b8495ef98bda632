"""Tokens, and the card numbers that they stand for."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from string import ascii_letters
from typing import Any

from gateway import is_card

_LETTERS = 24
"""Of 52: 136 bits.  No digits, so that no token passes for a number, nor has a run of them that would be masked."""

_TOKEN = re.compile(rf"tok_[A-Za-z]{{{_LETTERS}}}(?:_([0-9]{{4}}))?")

_APART = str.maketrans("", "", " -")


def new_token() -> str:
    return "tok_" + "".join(secrets.choice(ascii_letters) for _ in range(_LETTERS))


def with_last_four(token: str, number: str) -> str:
    return f"{token}_{number[-4:]}"


def is_vault_token(value: Any) -> bool:
    """Whether it looks like a token: the vault need not have it."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def without_last_four(token: str) -> str:
    """Of what looks like a token."""
    return token[: 4 + _LETTERS]


def shows(token: str, number: str) -> bool:
    """Whether the digits that the token ends with, if any, are the last four of the number."""
    found = _TOKEN.fullmatch(token)
    return found is not None and (found[1] is None or hmac.compare_digest(found[1], number[-4:]))


def card_number(value: Any) -> str | None:
    """The digits of a card number, as a text in which they stand apart by spaces or hyphens, or as a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        digits = str(value)
    elif isinstance(value, str):
        digits = value.translate(_APART)
    else:
        return None
    return digits if digits.isascii() and digits.isdigit() and is_card(digits) else None


def digest(token: str) -> str:
    """What the vault and the audit trail call a token by: from it, nobody gets the token."""
    return hashlib.sha256(without_last_four(token).encode()).hexdigest()
