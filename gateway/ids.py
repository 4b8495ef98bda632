"""Request ids: unique without coordination, and in the order of arrival within a process."""

from __future__ import annotations

import secrets
from itertools import count
from string import ascii_lowercase

_process = "".join(secrets.choice(ascii_lowercase) for _ in range(20))  # a row of digits might look like a card's
_arrivals = count()


def request_id() -> str:
    """20 letters, which are 94 random bits of this process, and a count in 12 hexadecimal digits.  Not secret."""
    return f"{_process}{next(_arrivals):012x}"
