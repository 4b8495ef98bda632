from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import Attempt, Delivery, UpstreamUnreachable
from plugins.circuit_breaker.decision import BUCKETS, Window, judge, refusal, trips
from plugins.circuit_breaker.options import CircuitBreakerConfig


def attempt(status: int | None = None, error: str | None = None, *, took: float = 0.1, reused: bool = False) -> Attempt:
    answered = 0.0 if status is None else 1.0 + took
    return Attempt(
        1, 0.9, 2.0, Delivery.ANSWERED, status=status, error=error, reused=reused, sent=1.0, answered=answered
    )


@pytest.mark.parametrize("status", [200, 201, 202, 204, 302, 304])
def test_an_answer_speaks_for_the_upstream(status) -> None:
    assert judge(attempt(status), None) == "good"


@pytest.mark.parametrize("status", [400, 401, 402, 404, 408, 409, 422])
def test_what_a_client_did_wrong_speaks_neither_for_nor_against_it_but_shows_it_alive(status) -> None:
    assert judge(attempt(status), None) == "alive"


def test_an_upstream_that_sheds_has_not_failed_and_is_not_well() -> None:
    assert judge(attempt(429), None) == "nothing"


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504])
@pytest.mark.parametrize("error", [None, "CancelledError", "upstream_broken"])
def test_a_5xx_is_a_failure_whoever_broke_off_after_it(status, error) -> None:
    assert judge(attempt(status, error), None) == "failed"


@pytest.mark.parametrize(
    "error",
    [
        "upstream_unreachable",
        "upstream_connect_timeout",
        "upstream_tls_failed",
        "upstream_first_byte_timeout",
        "upstream_total_timeout",
        "upstream_broken",
    ],
)
def test_no_answer_is_a_failure(error) -> None:
    assert judge(attempt(error=error), None) == "failed"


@pytest.mark.parametrize("error", ["upstream_idle_timeout", "upstream_total_timeout", "upstream_broken"])
@pytest.mark.parametrize("status", [200, 402])
def test_an_answer_that_broke_off_is_a_failure(status, error) -> None:
    assert judge(attempt(status, error), None) == "failed"


@pytest.mark.parametrize(
    "error",
    [
        "CancelledError",  # the client left, or the gateway stopped
        "client_broke_off",
        "client_timeout",
        "client_gone",
        "gateway_stopped",
        "dependency_down",
        "ValueError",
        "upstream_pool_exhausted",
        "too_late_to_send",
    ],
)
@pytest.mark.parametrize("status", [None, 200])
def test_what_was_not_the_upstreams_doing_tells_nothing(status, error) -> None:
    assert judge(attempt(status, error), None) == "nothing"


def test_a_kept_connection_that_was_stale_tells_nothing() -> None:
    assert judge(attempt(error="upstream_broken", reused=True), None) == "nothing"
    assert judge(attempt(200, "upstream_broken", reused=True), None) == "failed"


def test_an_answer_is_slow_whose_head_came_late_however_long_its_body_took() -> None:
    assert judge(attempt(200, took=0.6), 0.5) == "slow"
    assert judge(attempt(200, took=0.4), 0.5) == "good"
    streamed = attempt(200, took=0.4)
    streamed.ended = 3600.0
    assert judge(streamed, 0.5) == "good"


def test_of_an_answer_that_does_not_count_its_time_does_not_either() -> None:
    assert judge(attempt(402, took=0.6), 0.5) == "alive"
    assert judge(attempt(500, took=0.6), 0.5) == "failed"


def test_a_refusal_is_of_what_cannot_be_reached_and_says_when_to_come_again() -> None:
    refused = refusal(12.3)

    assert isinstance(refused, UpstreamUnreachable)
    assert (refused.status, refused.code, refused.headers) == (503, "circuit_open", {"retry-after": "13"})
    assert refusal(0).headers == {"retry-after": "1"}


def counts(window: Window) -> tuple[int, int, int]:
    return window.calls, window.failed, window.slow


def test_a_window_forgets_what_is_older_than_it_a_piece_at_a_time() -> None:
    window = Window(10.0)
    for second in range(10):
        window.add("failed" if second < 5 else "slow", 100.0 + second)
    assert counts(window) == (10, 5, 5)
    window.add("good", 110.0)
    assert counts(window) == (10, 4, 5)
    window.add("good", 114.5)
    assert counts(window) == (7, 0, 5)
    window.forget(200.0)
    assert counts(window) == (0, 0, 0)


@given(
    st.lists(
        st.tuples(st.floats(0, 30, allow_nan=False), st.sampled_from(["good", "failed", "slow"])),
        max_size=60,
    )
)
def test_a_window_holds_what_came_within_it_to_the_tenth(steps) -> None:
    seconds, now, seen = 10.0, 1000.0, []
    window = Window(seconds)
    for pause, verdict in steps:
        now += pause
        window.add(verdict, now)
        seen.append((now, verdict))
    sure = [verdict for at, verdict in seen if at > now - seconds + seconds / BUCKETS + 1e-6]
    most = [verdict for at, verdict in seen if at > now - seconds - 1e-6]

    assert len(sure) <= window.calls <= len(most)
    assert sure.count("failed") <= window.failed <= most.count("failed")
    assert sure.count("slow") <= window.slow <= most.count("slow")


@pytest.mark.parametrize(
    ("good", "failed", "slow", "reason"),
    [
        (10, 9, 0, None),
        (10, 10, 0, "failure_rate"),
        (0, 19, 0, None),
        (0, 20, 0, "failure_rate"),
        (11, 0, 10, None),
        (10, 0, 10, "slow_call_rate"),
        (14, 6, 6, None),
    ],
)
def test_it_opens_at_a_rate_once_there_are_enough_calls(good, failed, slow, reason) -> None:
    window = Window(60.0)
    for verdict, number in (("good", good), ("failed", failed), ("slow", slow)):
        for _ in range(number):
            window.add(verdict, 100.0)

    assert trips(window, CircuitBreakerConfig()) == reason
