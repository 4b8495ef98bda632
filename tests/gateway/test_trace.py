from __future__ import annotations

import pytest

from gateway.trace import continue_or_begin

GIVEN = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_trace_that_is_given_is_continued_under_a_span_of_its_own() -> None:
    trace = continue_or_begin(GIVEN, sample=0)

    assert (trace.trace_id, trace.parent_id) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    assert trace.sampled
    assert trace.span_id != trace.parent_id
    assert trace.traceparent == f"00-{trace.trace_id}-{trace.span_id}-01".encode()


def test_the_callers_choice_not_to_sample_is_kept() -> None:
    assert not continue_or_begin(GIVEN[:-1] + b"0", sample=1).sampled


def test_a_later_version_with_more_to_say_is_understood_as_far_as_it_is_known() -> None:
    assert continue_or_begin(b"cc" + GIVEN[2:] + b"-more", sample=0).parent_id == "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "given",
    [
        None,
        b"",
        GIVEN.upper(),
        GIVEN + b"-more",
        GIVEN[:-1],
        GIVEN + b"\n",
        b"ff" + GIVEN[2:],
        b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-" + b"0" * 16 + b"-01",
    ],
)
def test_without_a_good_one_a_trace_begins(given) -> None:
    trace = continue_or_begin(given, sample=0)

    assert trace.parent_id is None
    assert len(trace.trace_id) == 32
    assert len(trace.span_id) == 16
    assert trace.trace_id != "4bf92f3577b34da6a3ce929d0e0e4736"


def test_the_share_that_is_sampled() -> None:
    sampled = sum(continue_or_begin(None, sample=0.25).sampled for _ in range(4000))

    assert not continue_or_begin(None, sample=0).sampled
    assert continue_or_begin(None, sample=1).sampled
    assert 800 < sampled < 1200  # 1000 expected; beyond 7 standard deviations
