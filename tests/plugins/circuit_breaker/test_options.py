from __future__ import annotations

import pytest
from pydantic import ValidationError

from plugins.circuit_breaker.options import CircuitBreakerConfig


def test_without_options_it_opens_at_half_failures_of_twenty_calls_in_a_minute() -> None:
    options = CircuitBreakerConfig()

    assert (options.failure_rate, options.minimum_calls, options.window) == (0.5, 20, 60)
    assert (options.open_for, options.probes, options.slow_call, options.per) == (30, 1, None, "operation")


@pytest.mark.parametrize(
    "options",
    [
        {"failure_rate": 0},
        {"failure_rate": 1.1},
        {"slow_call": "0s"},
        {"slow_call_rate": 0},
        {"minimum_calls": 0},
        {"window": "0s"},
        {"open_for": "0s"},
        {"probes": 0},
        {"per": "route"},
        {"fail_max": 5},
    ],
)
def test_what_would_never_open_or_never_close_is_no_option(options) -> None:
    with pytest.raises(ValidationError):
        CircuitBreakerConfig.model_validate(options)


def test_durations_are_written_with_their_unit() -> None:
    options = CircuitBreakerConfig.model_validate({"slow_call": "5s", "window": "10s", "open_for": "500ms"})

    assert (options.slow_call, options.window, options.open_for) == (5, 10, 0.5)
