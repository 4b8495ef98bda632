from __future__ import annotations

import pytest
from pydantic import ValidationError

from plugins.concurrency.options import ConcurrencyConfig


def test_without_options_it_begins_at_a_pools_connections_and_allows_a_second() -> None:
    options = ConcurrencyConfig()

    assert (options.latency, options.least, options.most) == (1, 5, 100)
    assert (options.waiting, options.wait, options.priorities, options.latencies) == (100, 1, {}, {})


@pytest.mark.parametrize(
    "options",
    [
        {"latency": "0s"},
        {"latencies": {"reports": "0s"}},
        {"least": 0},
        {"most": 0},
        {"waiting": -1},
        {"wait": "0s"},
        {"priorities": {"reports": 11}},
        {"priorities": {"reports": -1}},
        {"limit": 10},
    ],
)
def test_what_would_let_nothing_through_is_no_option(options) -> None:
    with pytest.raises(ValidationError):
        ConcurrencyConfig.model_validate(options)


def test_the_least_is_not_more_than_the_most() -> None:
    with pytest.raises(ValidationError, match="least is 20, which is more than most, 10"):
        ConcurrencyConfig(least=20, most=10)
