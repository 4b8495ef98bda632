"""The plan: which keys a request's decision is about."""

from __future__ import annotations

from gateway import Principal
from gateway.crypto.salts import Salts
from gateway.testing import exchange, scope
from plugins.rate_limit.options import RateLimitConfig
from plugins.rate_limit.plan import REMEMBERED, Plan

BLOCK = {"after": 5, "within": "10m", "for": "15m"}


def plan(*limits: dict, lent=None, **options) -> Plan:
    return Plan(RateLimitConfig.model_validate({"limits": limits, **options}), lent or scope(place="pay"))


def asked(made: Plan, client: str = "203.0.113.7", user: str | None = "ada"):
    return made.of(exchange(client=client, facts=[Principal(user)] if user else []))


def test_the_same_subjects_have_the_same_keys_and_others_have_others() -> None:
    made, again = (plan({"per": "user", "limit": "3/minute"}) for _ in range(2))
    assert asked(made).keys == asked(again).keys
    assert asked(made).keys != asked(made, user="eve").keys


def test_keys_hold_no_value_of_the_request() -> None:
    keys = asked(plan({"per": "user", "limit": "3/minute"}, {"per": "ip", "limit": "3/minute"})).keys
    assert not any("ada" in key or "203.0.113" in key for key in keys)


def test_blocks_of_address_and_user_are_looked_for_whatever_is_counted() -> None:
    found = asked(plan({"limit": "3/minute"}))
    assert [each.partition(":")[0] for each in found.blocks] == ["ip", "user"]
    assert found.arguments[0] == 2


def test_a_limit_counts_within_its_route_unless_it_is_shared() -> None:
    limit = {"per": "ip", "limit": "3/minute"}
    here, there = (asked(plan(limit, lent=scope(place=place))).keys[-1] for place in ("a", "b"))
    assert here != there
    limit["shared"] = "both"
    here, there = (asked(plan(limit, lent=scope(place=place))).keys[-1] for place in ("a", "b"))
    assert here == there


def test_what_is_allowed_is_neither_counted_nor_blocked() -> None:
    made = plan({"per": "ip", "limit": "3/minute", "allow": ["203.0.113.0/24"]}, {"limit": "9/minute"}, block=BLOCK)
    found = asked(made)
    assert found.numbers == [1]
    assert [each.partition(":")[0] for each in found.blocks] == ["user"]
    assert asked(made, client="198.51.100.1").numbers == [0, 1]


def test_two_limits_of_one_key_of_which_one_allows_it_block_nobody() -> None:
    limits = {"per": "ip", "limit": "3/minute", "allow": ["203.0.113.7"]}, {"per": "ip", "limit": "9/minute"}
    [rule] = asked(plan(*limits, block=BLOCK)).rules
    assert rule.punishment
    assert rule.punishment.after == 0


def test_a_subject_that_the_request_lacks_is_not_counted() -> None:
    made = plan({"per": "header:x-device", "limit": "3/minute"}, {"limit": "9/minute"})
    assert asked(made, user=None).numbers == [1]


def test_everybodys_limit_has_no_block() -> None:
    [rule] = asked(plan({"limit": "3/minute"}, block=BLOCK)).rules
    assert rule.punishment is False


def test_a_block_by_a_salt_of_before_still_holds() -> None:
    salts = Salts([("new", b"a new salt of the tests"), ("old", b"an old salt of the tests")])
    found = asked(plan({"per": "ip", "limit": "3/minute"}, lent=scope(salts=salts)), user=None)
    assert [each.split(":")[:2] for each in found.blocks] == [["ip", "new"], ["ip", "old"]]


def test_it_remembers_so_many_subjects_and_no_more() -> None:
    made = plan({"per": "user", "limit": "3/minute"})
    for number in range(REMEMBERED + 50):
        asked(made, user=f"u{number}")
    assert len(made._known) == REMEMBERED


def test_an_ipv6_customer_is_one_whatever_address_of_theirs_they_use() -> None:
    made = plan({"per": "ip", "limit": "3/minute"})
    assert asked(made, client="2001:db8::1").keys == asked(made, client="2001:db8::2").keys
