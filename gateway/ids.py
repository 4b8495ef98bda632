"""Request ids: unique without coordination, and in the order of arrival within a process."""

from __future__ import annotations

import secrets
from itertools import count

_process = secrets.token_hex(10)
_arrivals = count()


def request_id() -> str:
    """32 hexadecimal digits: 80 random bits of this process, and a count of 48.  Unique, not secret."""
    return f"{_process}{next(_arrivals):012x}"
