"""The options: what may be said, and what an impossible limit is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.cli.policies import offline_compiler
from plugins.rate_limit.options import LimitConfig, RateLimitConfig, rate_of


@pytest.mark.parametrize(
    ("text", "rate"),
    [("30/minute", (30, 60.0)), ("5000/hour", (5000, 3600.0)), ("1/day", (1, 86400.0)), ("30/90s", (30, 90.0))],
)
def test_a_limit_is_so_many_in_so_much_time(text, rate) -> None:
    assert rate_of(text) == rate


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"limit": "0/minute"}, "nothing would ever pass"),
        ({"limit": "30"}, "write a limit as 30/minute"),
        ({"limit": "30/fortnight"}, "write a limit as 30/minute"),
        ({"limit": "30/0s"}, "over a second at least"),
        ({"limit": "30/400d"}, "over a year at most"),
        ({"limit": "3/minute", "cost": 4}, "a request costs 4, and there is never room for more than 3"),
        ({"limit": "30/minute", "burst": 2, "cost": 3}, "never room for more than 2"),
        ({"limit": "3/minute", "algorithm": "sliding_window", "burst": 5}, "burst is for gcra"),
        ({"limit": "3/minute", "block": {"after": 1, "within": "1m", "for": "1m"}}, "are about a key"),
        ({"limit": "3/minute", "allow": ["a"]}, "are about a key"),
        ({"limit": "3/minute", "failures": [402]}, "goes with count: failures"),
        ({"limit": "3/minute", "per": "ip", "allow": ["somewhere"]}, "does not appear to be an IPv4 or IPv6 network"),
        ({"limit": "3/minute", "per": "nobody"}, "should match"),
        ({"limit": "3/minute", "per": "ip", "block": {"after": 1, "within": "1m", "for": "2d"}}, "longest is less"),
    ],
)
def test_what_cannot_be_is_said(given, why) -> None:
    with pytest.raises(ValidationError, match=why):
        LimitConfig.model_validate(given)


def test_two_limits_may_not_have_one_name() -> None:
    limits = [{"limit": "1/minute", "name": "a"}, {"limit": "2/minute", "name": "a"}]
    with pytest.raises(ValidationError, match="two limits have one name"):
        RateLimitConfig.model_validate({"limits": limits})


def test_two_limits_may_not_be_the_same() -> None:
    limits = [{"per": "ip", "limit": "60/minute"}, {"per": "ip", "limit": "60/60s", "burst": 5}]
    with pytest.raises(ValidationError, match="two limits are the same"):
        RateLimitConfig.model_validate({"limits": limits})
    limits[1]["count"] = "failures"
    assert len(RateLimitConfig.model_validate({"limits": limits}).limits) == 2


POLICY = """\
version: 1
upstreams:
  backend:
    url: http://127.0.0.1:9000
routes:
  - name: all
    match: {prefix: /}
    upstream: backend
    filters:
      - rate_limit:
          limits:
            - {per: ip, limit: 60/minute}
            - {per: ip, limit: LIMIT}
"""


def check(policy: str) -> list[str]:
    return [str(each) for each in offline_compiler([]).check(policy, "p.yaml")]


def test_an_impossible_limit_is_told_with_line_and_column() -> None:
    [problem] = check(POLICY.replace("LIMIT", "0/minute"))
    assert problem.startswith("p.yaml:13:32: ")
    assert "routes[0].filters[0].rate_limit.limits[1].limit: nothing would ever pass" in problem


def test_a_limit_per_user_where_no_principal_is_known_is_no_policy() -> None:
    user = POLICY.replace("per: ip, limit: LIMIT", "per: user, limit: 5/minute")
    assert "needs Principal, which no filter above it provides" in check(user)[0]
    named = user.replace("      - rate_limit", "      - principal: {header: x-user-id, from: any}\n      - rate_limit")
    assert check(named) == []
    maybe = named.replace("from: any}", "from: any, optional: true}")
    assert "needs Principal, which no filter above it provides" in check(maybe)[0]


@pytest.mark.parametrize("per", ["card", "email", "customer"])
def test_a_limit_per_card_email_or_customer_is_for_a_route_of_payments(per) -> None:
    text = POLICY.replace("per: ip, limit: LIMIT", f"per: {per}, limit: 5/minute")
    assert "needs Payment" in check(text)[0]
    paid = text.replace("    upstream: backend\n", "    upstream: backend\n    payment: {operation: payment.create}\n")
    assert [each for each in check(paid) if "warning" not in each] == []


def test_a_limit_by_a_fact_that_nobody_provides_is_no_policy() -> None:
    text = POLICY.replace("per: ip, limit: LIMIT", 'per: "fact:Device.id", limit: 5/minute')
    assert "needs Device, which no filter above it provides" in check(text)[0]


def test_the_policy_of_payments_has_limits() -> None:
    text = (Path(__file__).parents[3] / "policies" / "payments.yaml").read_text()
    assert "rate_limit:" in text
    assert [each for each in check(text) if "warning" not in each] == []
