"""What is kept of one key: counters that fade, its usual amount, whom it was seen with.  Pure; one size for any age.

A record is bytes: numbers packed as ``LAYOUT`` says, then marks of the keys that it was last seen with.  Bytes take a
quarter of the room of Python's numbers, and the garbage collector does not walk through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from struct import Struct
from typing import TypeAlias

from .event import Keys

HOUR, DAY, WEEK, MONTH = 3_600.0, 86_400.0, 604_800.0, 2_592_000.0
"""A counter of a window fades by 1/e in that time: it is about what came within it, and needs no list."""

View: TypeAlias = tuple[float, ...]
"""A record as it is at an instant: gap, age, four counts, four sums, payments, usual amount, its deviation, 1 where
the record's currency is another, declines in a row, and three counts of new peers."""

LAYOUT = Struct("<18d")
"""First and last time, then as in a view."""

NEVER: View = (MONTH, 0.0, *([0.0] * 16))
"""The view of a key that was never seen: its gap is the longest there is."""

MONEY = 13
"""Where a view says that the record's currency is another."""

CLIP = 3.0
"""An amount is taken into the usual one as if at most this many deviations away, so no outlier moves it far."""
SLOWEST = 0.05
"""The least weight of a payment in the usual amount: about the last twenty count."""

PEERS: tuple[tuple[str, ...], ...] = (("card",), ("email", "device", "ip"), ("card",), ("card",), ("card",), (), ())
"""For each kind, the kinds whose different keys are counted with it."""
MARK, MARKS = 7, 12
"""A mark is the kind's letter and the last six characters of a digest; the last twelve are kept.  A new peer is
overlooked once in a million; with more than twelve that alternate, one that returns is counted again."""

_unpack, _pack, _size = LAYOUT.unpack_from, LAYOUT.pack, LAYOUT.size


def currency_code(currency: str | None) -> float:
    """The number a record keeps for a currency: 0 for none."""
    return float(int.from_bytes(currency.encode()[:6], "big")) if currency else 0.0


def marks_of(keys: Keys) -> tuple[Sequence[bytes], ...]:
    """For the record of each kind, the marks of its peers in this payment; an empty one is none."""
    _, card, email, device, ip, _, _ = keys
    by_card = (b"C" + card[-6:].encode(),) if card is not None else ()
    places = (
        b"E" + email[-6:].encode() if email is not None else b"",
        b"D" + device[-6:].encode() if device is not None else b"",
        b"I" + ip[-6:].encode() if ip is not None else b"",
    )
    return by_card, places, by_card, by_card, by_card, (), ()


def seen(
    record: bytes | None, at: float, amount: float | None, code: float, marks: Sequence[bytes]
) -> tuple[View, bytes]:
    """The view before a payment, and the record after it.

    ``amount`` is None where it has none, or where it is of another currency than the record's.  An event older than
    the record's last one counts as one of that instant.  ``marks`` are those of its peers, as ``marks_of`` gives them.
    """
    if record is None:
        one, spent = (0.0, 0.0) if amount is None else (1.0, amount)
        fresh = [float(bool(mark)) for mark in marks] + [0.0] * (3 - len(marks))
        packed = _pack(at, at, 1, 1, 1, 1, spent, spent, spent, spent, one, spent, spent / 2, code, 0, *fresh)
        return NEVER, packed + b"".join(marks)
    first, last, h, d, w, m, sh, sd, sw, sm, n, mean, deviation, own, declines, p0, p1, p2 = _unpack(record)
    gap = at - last
    if gap <= 0.0:
        at, gap = last, 0.0
    else:
        fade = exp(-gap / HOUR)
        h *= fade
        sh *= fade
        fade = exp(-gap / DAY)
        d *= fade
        sd *= fade
        fade = exp(-gap / WEEK)
        w *= fade
        sw *= fade
        p0 *= fade
        p1 *= fade
        p2 *= fade
        fade = exp(-gap / MONTH)
        m *= fade
        sm *= fade
    view = (gap, at - first, h, d, w, m, sh, sd, sw, sm, n, mean, deviation, own != code, declines, p0, p1, p2)
    if amount is not None and own == code:
        sh += amount
        sd += amount
        sw += amount
        sm += amount
        if n:
            away = amount - mean
            clipped = CLIP * deviation
            if away > clipped:
                away = clipped
            elif away < -clipped:
                away = -clipped
            weight = 1.0 / (n + 1.0)
            weight = max(weight, SLOWEST)
            mean += weight * away
            deviation += weight * ((away if away >= 0.0 else -away) - deviation)
        else:
            mean, deviation = amount, amount / 2
        n += 1.0
    tail = record[_size:]
    for mark in marks:
        if mark not in tail:
            p0, p1, p2, tail = _met(marks, p0, p1, p2, tail)
            break
    return view, _pack(
        first, at, h + 1.0, d + 1.0, w + 1.0, m + 1.0, sh, sd, sw, sm, n, mean, deviation, own, declines, p0, p1, p2
    ) + tail


def _met(marks: Sequence[bytes], p0: float, p1: float, p2: float, tail: bytes) -> tuple[float, float, float, bytes]:
    for slot, mark in enumerate(marks):
        if mark not in tail:
            tail = (mark + tail)[: MARK * MARKS]
            if slot == 0:
                p0 += 1.0
            elif slot == 1:
                p1 += 1.0
            else:
                p2 += 1.0
    return p0, p1, p2, tail


def with_money(view: View, apart: View) -> View:
    """The view with its sums and usual amount from the record that its key has for another currency."""
    return (*view[:6], *apart[6:MONEY], *view[MONEY:])


def answered(record: bytes, declined: bool) -> bytes:
    """The record after a payment of its key was declined, or approved: declines in a row."""
    numbers = list(_unpack(record))
    numbers[14] = numbers[14] + 1.0 if declined else 0.0
    return _pack(*numbers) + record[_size:]
