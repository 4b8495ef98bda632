from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import Attempt
from plugins.concurrency.decision import LATE, LONGEST, ROUND, SAMPLES, AdaptiveLimit, refusal, slowness


def attempt(status: int | None, error: str | None = None, *, took: float, sent: float = 1.0) -> Attempt:
    answered = 0.0 if status is None else sent + took
    return Attempt(1, sent - 0.5, sent + took, status=status, error=error, sent=sent, answered=answered)


@pytest.mark.parametrize("status", [200, 302, 402, 404])
def test_an_answer_counts_its_time_to_its_head(status) -> None:
    streamed = attempt(status, took=0.5)
    streamed.ended = 3600.0

    assert slowness(streamed, 1.0) == 0.5
    assert slowness(streamed, 0.25) == 2.0


def test_an_answer_that_hangs_counts_no_more_than_it_may() -> None:
    assert slowness(attempt(200, took=60.0), 1.0) == LATE


@pytest.mark.parametrize("status", [429, 503])
def test_an_upstream_that_says_too_many_is_late_however_quickly_it_says_so(status) -> None:
    assert slowness(attempt(status, took=0.001), 1.0) == LATE


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, None), (502, None), (None, "upstream_unreachable"), (None, "upstream_broken"), (None, "CancelledError")],
)
def test_a_failure_counts_where_it_took_longer_than_allowed(status, error) -> None:
    assert slowness(attempt(status, error, took=0.5), 1.0) is None
    assert slowness(attempt(status, error, took=2.0), 1.0) == 2.0


def test_a_client_that_leaves_within_an_answer_does_not_hide_its_time() -> None:
    assert slowness(attempt(200, "CancelledError", took=0.5), 1.0) == 0.5


def test_what_was_never_sent_counts_from_its_beginning() -> None:
    refused = Attempt(1, 1.0, 3.0, error="upstream_connect_timeout")

    assert slowness(refused, 1.0) == 2.0


def test_a_refusal_says_how_long_the_queue_takes_within_reason() -> None:
    assert [refusal(queue).headers["retry-after"] for queue in (0, 0.2, 2.1, 1e9)] == ["1", "1", "3", str(LONGEST)]
    assert (refusal(0).status, refusal(0).code) == (503, "overloaded")


class Upstream:
    """Answers each of ``inside`` attempts after ``time(inside)`` seconds, round by round."""

    def __init__(self, limit: AdaptiveLimit, time, demand: int = 10_000) -> None:
        self.limit = limit
        self.time = time
        self.demand = demand
        self.now = 1000.0

    def round(self, times: int = 1) -> float:
        for _ in range(times):
            inside = min(int(self.limit.limit), self.demand)
            took = self.time(inside)
            sent, self.now = self.now, self.now + max(took, ROUND)
            ended = [self.limit.add(took, sent, self.now, inside) for _ in range(max(inside, SAMPLES))]
            assert any(ended)
        return self.limit.limit


def queueing(workers: int, each: float):
    """The time of an upstream that works at ``workers`` at once, and lets the others wait."""
    return lambda inside: each * max(1.0, inside / workers)


def test_it_begins_with_the_most_and_stays_there_while_answers_are_in_time() -> None:
    upstream = Upstream(AdaptiveLimit(5, 100), queueing(1000, 0.5))

    assert upstream.round(20) == 100


@pytest.mark.parametrize("workers", [10, 20, 40])
def test_it_settles_where_answers_take_what_they_may(workers) -> None:
    """Each takes 0.5 of what is allowed when it need not wait: twice as many as there are workers may be in."""
    upstream = Upstream(AdaptiveLimit(5, 100), queueing(workers, 0.5))
    upstream.round(20)
    settled = [upstream.round() for _ in range(20)]

    assert all(abs(limit - workers * 2) <= sqrt(limit) + 1 for limit in settled)


def test_a_steady_overload_does_not_make_it_creep_upwards() -> None:
    upstream = Upstream(AdaptiveLimit(5, 1000), queueing(20, 0.5))
    upstream.round(20)
    early = max(upstream.round() for _ in range(20))
    upstream.round(2000)

    assert max(upstream.round() for _ in range(20)) <= early + 0.01


def test_it_rises_again_when_the_upstream_recovers() -> None:
    upstream = Upstream(AdaptiveLimit(5, 100), queueing(4, 0.5))
    assert upstream.round(20) < 15
    upstream.time = queueing(1000, 0.5)

    assert upstream.round(30) == 100


def test_it_never_falls_below_the_least() -> None:
    upstream = Upstream(AdaptiveLimit(5, 100), lambda _: LATE)

    assert upstream.round(50) == 5


def test_one_round_takes_half_at_most() -> None:
    assert Upstream(AdaptiveLimit(5, 100), lambda _: LATE).round() == 50


def test_a_limit_that_is_not_used_does_not_grow() -> None:
    limit = AdaptiveLimit(5, 100)
    Upstream(limit, lambda _: LATE).round(3)
    quiet = Upstream(limit, lambda _: 0.1, demand=4)
    quiet.now = 2000.0

    assert quiet.round(50) == 12.5


def test_what_was_sent_before_a_round_began_does_not_count_in_it() -> None:
    limit = AdaptiveLimit(5, 100)
    for _ in range(SAMPLES - 1):
        assert not limit.add(LATE, 9.0, 10.0, 100)
    assert limit.add(LATE, 9.0, 10.0, 100)
    for _ in range(100):
        assert not limit.add(LATE, 9.9, 20.0, 100)

    assert limit.limit == 50


def test_a_round_has_as_many_answers_and_as_much_time_as_it_takes() -> None:
    limit = AdaptiveLimit(5, 100)
    Upstream(limit, lambda _: LATE).round()
    began = 1000.0 + LATE
    assert not any(limit.add(LATE, began, began + ROUND - 0.01, 50) for _ in range(100))

    assert limit.add(LATE, began, began + ROUND, 50)


def test_a_few_answers_that_never_come_do_not_make_an_overload() -> None:
    limit = AdaptiveLimit(5, 100)
    for number in range(20):
        limit.add(LATE if number % 10 == 0 else 0.3, 1.0, 2.0, 100)

    assert limit.limit == 100


@given(st.lists(st.tuples(st.floats(0, LATE), st.integers(0, 200)), min_size=1, max_size=300))
def test_it_stays_between_its_bounds_whatever_comes(answers) -> None:
    limit = AdaptiveLimit(3, 30)
    for number, (slow, peak) in enumerate(answers):
        limit.add(slow, float(number), number + 0.5, peak)
        assert 3 <= limit.limit <= 30
