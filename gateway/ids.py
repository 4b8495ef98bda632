"""Ids: unique without coordination, and in the order in which they are made."""

from __future__ import annotations

import secrets
import time
from functools import lru_cache
from itertools import count
from string import ascii_lowercase

_process = "".join(secrets.choice(ascii_lowercase) for _ in range(20))  # a row of digits might look like a card's
_arrivals = count()
_payments = count()
_PROCESS = _process[:12]
_PAIRS = [first + second for first in ascii_lowercase for second in ascii_lowercase]


def request_id() -> str:
    """20 letters, which are 94 random bits of this process, and a count in 12 hexadecimal digits.  Not secret."""
    return f"{_process}{next(_arrivals).to_bytes(6, 'big').hex()}"  # half the time of a format with a width


def payment_id() -> str:
    """26 letters: the milliseconds since the epoch, a count, and 56 random bits of this process.  Not secret.

    The time stands first, so that a table's newest rows lie together, and letters only, as in a request's id.
    """
    number = next(_payments)
    moment = _moment(time.time_ns() // 1_000_000)
    return f"{moment}{_PAIRS[number // 676 % 676]}{_PAIRS[number % 676]}{_PROCESS}"


def payment_ids_until(seconds: float) -> str:
    """Greater than the id of each payment that was made until then, in seconds since the epoch."""
    return _moment(int(max(seconds, 0.0) * 1000) + 1)


def _moment(milliseconds: int) -> str:
    return f"{_minutes(milliseconds // 456_976)}{_PAIRS[milliseconds // 676 % 676]}{_PAIRS[milliseconds % 676]}"


@lru_cache(maxsize=2)
def _minutes(number: int) -> str:
    """Of eight minutes each; most ids are made in the same."""
    return f"{_PAIRS[number // 456_976 % 676]}{_PAIRS[number // 676 % 676]}{_PAIRS[number % 676]}"
