"""What labels say of one key: its share of fraud over 1, 7 and 30 days, and how frauds follow each other.  Pure."""

from __future__ import annotations

from math import exp
from struct import Struct
from typing import TypeAlias

from .event import KINDS
from .records import DAY, MONTH, WEEK

Rates: TypeAlias = tuple[float, ...]
"""The smoothed share of fraud over 1, 7 and 30 days; days since the last fraud was reported, and since the first of
those that followed each other up to it; frauds in a row; legitimate payments since."""

TALLIED = ("card", "device", "ip", "merchant", "bin")
"""The kinds of keys that labels are counted for."""
TALLIED_AT = tuple(KINDS.index(each) for each in TALLIED)

LAYOUT = Struct("<11d")
"""When it was last counted; frauds over 1, 7, 30 days; payments over 1, 7, 30 days; when a fraud was last reported,
and when the first of its series; frauds in a row, legitimate payments since."""

PRIOR, STRENGTH = 0.005, 2.0
"""A key is taken to have had two payments of which one in two hundred was a fraud, until its labels say more."""
_FRAUDS = PRIOR * STRENGTH
LONGEST = 90.0
"""Days since a fraud that was never reported."""
MOST = 50.0
"""Legitimate payments since a fraud, at most; as many where there was none."""
QUIET = 10 * DAY
"""Frauds further apart are of two series: a card or a terminal was made safe between them."""
UNLABELLED: Rates = (PRIOR, PRIOR, PRIOR, LONGEST, LONGEST, 0.0, MOST)

_unpack, _pack = LAYOUT.unpack, LAYOUT.pack


def counted(tally: bytes | None, at: float, frauds: float, payments: float) -> bytes:
    """The tally with so many more payments whose labels are due, and so many more frauds (0, 1, or -1: taken back)."""
    then, fd, fw, fm, pd, pw, pm, last, began, row, since = _unpack(tally) if tally else (at, *([0.0] * 10))
    gap = max(0.0, at - then)
    d, w, m = exp(-gap / DAY), exp(-gap / WEEK), exp(-gap / MONTH)
    if frauds > 0:
        began = at if at - last > QUIET else began
        last, row, since = max(last, at), row + 1.0, 0.0
    elif payments:
        row, since = 0.0, min(since + 1.0, MOST)
    return _pack(
        then + gap,
        fd * d + frauds,
        fw * w + frauds,
        fm * m + frauds,
        pd * d + payments,
        pw * w + payments,
        pm * m + payments,
        last,
        began,
        row,
        since,
    )


def rates(tally: bytes | None, at: float) -> Rates:
    """What a payment at that instant is told."""
    if tally is None:
        return UNLABELLED
    then, fd, fw, fm, pd, pw, pm, last, began, row, since = _unpack(tally)
    gap = at - then
    if gap > 0.0:
        fade = exp(-gap / DAY)
        fd *= fade
        pd *= fade
        fade = exp(-gap / WEEK)
        fw *= fade
        pw *= fade
        fade = exp(-gap / MONTH)
        fm *= fade
        pm *= fade
    day = (fd + _FRAUDS) / (pd + STRENGTH)
    week = (fw + _FRAUDS) / (pw + STRENGTH)
    month = (fm + _FRAUDS) / (pm + STRENGTH)
    if not last:
        return day, week, month, LONGEST, LONGEST, 0.0, MOST
    return day, week, month, _days(at - last), _days(at - began), row, since


def _days(seconds: float) -> float:
    return 0.0 if seconds < 0.0 else min(seconds / DAY, LONGEST)
