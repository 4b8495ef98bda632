"""Request ids: sortable by time, unique without coordination."""

from __future__ import annotations

from random import getrandbits
from time import time


def request_id() -> str:
    """32 hexadecimal digits: 48 bits of milliseconds since the epoch, 80 random ones.  Unique, not secret."""
    return f"{int(time() * 1000):012x}{getrandbits(80):020x}"
