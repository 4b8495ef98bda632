from __future__ import annotations

import pytest
from pydantic import ValidationError

from plugins.fraud.decision import Decision, HardRule, Ruling
from plugins.fraud.scoring import Reason, Score
from tests.plugins.fraud.conftest import event
from tests.plugins.fraud.test_points import values

WHY = (Reason("amount", 10, 1, 5),)
BIG = HardRule(code="big", when={"amount": "> 1000", "currency": "== USD"}, then="block")


def decided(score: float = 0, rules=(), paid=None, amount: float = 0, **listed) -> Decision:
    return Ruling(rules).decide(paid or event(), values(amount=amount), Score(score, WHY), **listed)


@pytest.mark.parametrize(
    ("score", "kind"), [(64.9, "allow"), (65, "review"), (74.9, "review"), (75, "block"), (99, "block")]
)
def test_the_score_decides_where_nothing_else_does(score, kind) -> None:
    assert decided(score) == Decision(kind, int(score), "score", WHY)


def test_who_is_allowed_passes_whatever_else_holds() -> None:
    found = decided(99, [BIG], event(currency="usd"), 2_000, allowed="customer", blocked="card")

    assert (found.kind, found.by, found.score) == ("allow", "allow_list:customer", 99)


def test_who_is_blocked_is_blocked_whatever_the_rules_say() -> None:
    spare = HardRule(code="spare", when={"amount": ">= 0"}, then="allow")

    assert decided(0, [spare], blocked="ip")[:3] == ("block", 0, "block_list:ip")


def test_a_rule_decides_before_the_score_where_all_its_conditions_hold() -> None:
    assert decided(0, [BIG], event(currency="usd"), 1_001).by == "rule:big"
    assert decided(0, [BIG], event(currency="usd"), 1_000).by == "score"
    assert decided(0, [BIG], event(currency="eur"), 1_001).by == "score"
    assert decided(0, [BIG], event(currency=None), 1_001).by == "score"


def test_of_rules_that_hold_the_first_decides_and_all_are_hits() -> None:
    rules = [
        HardRule(code=code, when={"amount": f"{sign} 5"}, then="review") for code, sign in (("a", ">"), ("b", "!="))
    ]
    ruling = Ruling(rules)

    assert ruling.decide(event(), values(amount=6), Score(0, ())).by == "rule:a"
    assert ruling.hits(event(), values(amount=6)) == ["a", "b"]
    assert ruling.hits(event(), values(amount=4)) == ["b"]


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"amuont": "> 1"}, "there is no feature or fact 'amuont'; did you mean 'amount'"),
        ({"amount": "1000"}, "write a comparison, such as '> 100', in place of '1000'"),
        ({"amount": "> much"}, "'much' is no number"),
        ({"amount": "> nan"}, "nothing compares with 'nan'"),
        ({"currency": "> eur"}, "currency is a word: compare it by == or !="),
    ],
)
def test_a_condition_that_cannot_be_asked_is_refused(when, message) -> None:
    with pytest.raises(ValidationError) as refused:
        HardRule(code="r", when=when, then="block")
    assert message in str(refused.value)


def test_reviews_begin_no_higher_than_blocks() -> None:
    with pytest.raises(ValueError, match=r"review_at \(80\) is above block_at \(75\)"):
        Ruling(review_at=80)
