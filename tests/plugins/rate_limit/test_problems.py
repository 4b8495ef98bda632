"""What a client is told that is refused."""

from __future__ import annotations

from plugins.rate_limit.options import LimitConfig
from plugins.rate_limit.problems import blocked, limited, names_of, policy_field


def limits(*given: dict) -> list[LimitConfig]:
    return [LimitConfig.model_validate(each) for each in given]


def test_a_limit_is_called_by_what_it_counts_or_by_its_name() -> None:
    given = limits({"per": "user", "limit": "1/minute"}, {"limit": "5/hour"}, {"limit": "9/day", "name": "daily"})
    assert names_of(given) == ["user", "global", "daily"]


def test_two_that_count_by_the_same_are_told_apart() -> None:
    given = limits({"per": "ip", "limit": "1/minute"}, {"per": "ip", "limit": "5/hour"})
    assert names_of(given) == ["ip-1/minute", "ip-5/hour"]


def test_the_policy_field_has_a_quota_and_a_window_for_each() -> None:
    given = limits({"per": "user", "limit": "30/minute"}, {"limit": "5000/90s"})
    assert policy_field(names_of(given), given) == '"user";q=30;w=60, "global";q=5000;w=90'


def test_a_refusal_says_when_there_is_room_in_all_that_refused() -> None:
    error = limited("p", [("user", 0.2), ("ip", 12.1)])
    assert error.status == 429
    assert error.headers == {
        "retry-after": "13",
        "ratelimit": '"user";r=0;t=1, "ip";r=0;t=13',
        "ratelimit-policy": "p",
    }
    assert error.members == {"violated-policies": ["user", "ip"]}


def test_one_that_is_blocked_by_it_is_told_for_how_long() -> None:
    assert limited("p", [("user", 2)], 900).headers["retry-after"] == "900"
    assert blocked(899.2).headers == {"retry-after": "900"}
    assert blocked(1).code == "blocked"
