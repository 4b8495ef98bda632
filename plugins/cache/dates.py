"""Dates of HTTP (RFC 9110 §5.6.7): three forms, and nothing else."""

from __future__ import annotations

import re
from calendar import timegm
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache

_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"), 1
    )
}
_DAY = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_TIME = rb"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_MONTH = rb"(?P<month>[A-Z][a-z]{2})"
_FORMS = (
    re.compile(_DAY + rb", (?P<day>\d\d) " + _MONTH + rb" (?P<year>\d{4}) " + _TIME + rb" GMT"),
    re.compile(
        rb"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?P<day>\d\d)-"
        + _MONTH
        + rb"-(?P<year>\d\d) "
        + _TIME
        + rb" GMT"
    ),
    re.compile(_DAY + rb" " + _MONTH + rb" (?P<day>[ \d]\d) " + _TIME + rb" (?P<year>\d{4})"),
)


@lru_cache(1000)
def parse(value: bytes) -> float | None:
    """Seconds since the epoch; None where it is no date."""
    for form in _FORMS:
        if found := form.fullmatch(value):
            return _seconds(found)
    return None


def _seconds(found: re.Match[bytes]) -> float | None:
    month = _MONTHS.get(found["month"])
    year, day, hour, minute, second = (int(found[name]) for name in ("year", "day", "hour", "minute", "second"))
    if len(found["year"]) == 2:
        year = _century(year)
    if month is None or second > 60:
        return None
    try:
        datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    return float(timegm((year, month, day, hour, minute, second)))


def _century(year: int) -> int:
    """Of two digits: the latest year that ends so and is not more than 50 years ahead (RFC 9110 §5.6.7)."""
    now = datetime.now(UTC).year
    full = now - now % 100 + year
    return full - 100 if full > now + 50 else full


def text(seconds: float) -> bytes:
    """As it is written today."""
    return formatdate(seconds, usegmt=True).encode()
