from __future__ import annotations

import pytest

from plugins.cache.dates import parse, text

WHEN = 784111777.0  # RFC 9110 §5.6.7


@pytest.mark.parametrize(
    "value",
    [b"Sun, 06 Nov 1994 08:49:37 GMT", b"Sunday, 06-Nov-94 08:49:37 GMT", b"Sun Nov  6 08:49:37 1994"],
)
def test_the_three_forms_are_read(value) -> None:
    assert parse(value) == WHEN


@pytest.mark.parametrize(
    "value",
    [
        b"0",
        b"",
        b"Sun, 06 Nov 1994 08:49:37 UTC",
        b"Sun, 06 Nov 1994 08:49:37",
        b"Sun, 6 Nov 1994 08:49:37 GMT",
        b"Sun, 31 Feb 1994 08:49:37 GMT",
        b"Sun, 06 Xyz 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 25:49:37 GMT",
        b"Sun, 06 Nov 1994 08:49:99 GMT",
        b"1994-11-06T08:49:37Z",
    ],
)
def test_anything_else_is_no_date(value) -> None:
    assert parse(value) is None


def test_two_digits_are_the_nearest_year_that_is_not_far_ahead() -> None:
    assert parse(b"Saturday, 06-Nov-10 08:49:37 GMT") == parse(b"Sat, 06 Nov 2010 08:49:37 GMT")


def test_a_date_is_written_as_it_is_read() -> None:
    assert text(WHEN) == b"Sun, 06 Nov 1994 08:49:37 GMT"
