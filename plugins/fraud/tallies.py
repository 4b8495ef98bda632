"""What labels say of one key: payments and frauds among them, fading over 1, 7 and 30 days.  Pure."""

from __future__ import annotations

from math import exp
from struct import Struct
from typing import TypeAlias

from .event import KINDS
from .records import DAY, MONTH, WEEK

Rates: TypeAlias = tuple[float, float, float, float]
"""The smoothed share of fraud over 1, 7 and 30 days, and the days since the last fraud was reported."""

TALLIED = ("card", "device", "ip", "merchant", "bin")
"""The kinds of keys that labels are counted for."""
TALLIED_AT = tuple(KINDS.index(each) for each in TALLIED)

LAYOUT = Struct("<8d")
"""When it was last counted; frauds over 1, 7, 30 days; payments over 1, 7, 30 days; when a fraud was last reported."""

PRIOR, STRENGTH = 0.005, 2.0
"""A key is taken to have had two payments of which one in two hundred was a fraud, until its labels say more."""
LONGEST = 90.0
"""Days since a fraud that was never reported."""
UNLABELLED: Rates = (PRIOR, PRIOR, PRIOR, LONGEST)

_unpack, _pack = LAYOUT.unpack, LAYOUT.pack


def counted(tally: bytes | None, at: float, frauds: float, payments: float) -> bytes:
    """The tally with so many more payments whose labels are due, and so many more frauds."""
    if tally is None:
        last = at if frauds > 0 else 0.0
        return _pack(at, frauds, frauds, frauds, payments, payments, payments, last)
    then, fd, fw, fm, pd, pw, pm, last = _unpack(tally)
    gap = max(0.0, at - then)
    d, w, m = exp(-gap / DAY), exp(-gap / WEEK), exp(-gap / MONTH)
    return _pack(
        then + gap,
        fd * d + frauds,
        fw * w + frauds,
        fm * m + frauds,
        pd * d + payments,
        pw * w + payments,
        pm * m + payments,
        max(last, at) if frauds > 0 else last,
    )


def rates(tally: bytes | None, at: float) -> Rates:
    """What a payment at that instant is told."""
    if tally is None:
        return UNLABELLED
    then, fd, fw, fm, pd, pw, pm, last = _unpack(tally)
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
    prior = PRIOR * STRENGTH
    since = (at - last) / DAY if last else LONGEST
    return (
        (fd + prior) / (pd + STRENGTH),
        (fw + prior) / (pw + STRENGTH),
        (fm + prior) / (pm + STRENGTH),
        0.0 if since < 0.0 else min(since, LONGEST),
    )
