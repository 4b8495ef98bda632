from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.stamps import Stamps


@given(st.lists(st.floats(0, 4e9), min_size=1, max_size=5))
def test_a_stamp_is_the_moment_in_utc(moments):
    clock = iter(moments)
    stamps = Stamps(lambda: next(clock))
    for moment in moments:
        said = datetime.fromisoformat(stamps.now())
        assert said.tzinfo == UTC
        assert abs(said.timestamp() - moment) < 2e-6


def test_it_has_microseconds_also_where_they_are_nought():
    assert Stamps(lambda: 1_700_000_000.0).now() == "2023-11-14T22:13:20.000000Z"
