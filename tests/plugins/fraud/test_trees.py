from __future__ import annotations

import orjson
import pytest

from plugins.fraud.models import parse_model
from tests.plugins.fraud.modelling import trees
from tests.plugins.fraud.test_points import values

NIGHT = {"feature": "night", "threshold": 0.5, "left": -0.25, "right": 2}
GROWN = {"feature": "amount", "threshold": 100, "left": {"adds": -1}, "right": {"adds": 1, "then": NIGHT}}
AGAIN = {"feature": "amount", "threshold": 500, "left": 0.5, "right": 4}
TWICE = {"feature": "amount", "threshold": 100, "left": {"adds": -1}, "right": {"adds": 1, "then": AGAIN}}


def model(*grown):
    return parse_model(orjson.dumps(trees(*grown, intercept=0.5)), "here")


@pytest.mark.parametrize(("amount", "night", "raw"), [(100, 1, -0.5), (101, 0, 1.25), (101, 1, 3.5)])
def test_each_tree_adds_what_its_questions_lead_to(amount, night, raw) -> None:
    assert model(GROWN).raw(values(amount=amount, night=night)) == raw
    assert model(GROWN, GROWN).raw(values(amount=amount, night=night)) == 2 * raw - 0.5


@pytest.mark.parametrize(("amount", "raw"), [(50, -0.5), (200, 2), (501, 5.5)])
def test_a_tree_may_ask_twice_for_one_feature(amount, raw) -> None:
    assert model(TWICE).raw(values(amount=amount)) == raw


def test_a_reason_is_what_each_question_added_beside_the_usual_value() -> None:
    score = model(GROWN).score(values(amount=101, night=1))

    assert [(each.code, each.value, each.baseline) for each in score.reasons] == [("night", 1, 0), ("amount", 101, 10)]
    assert sum(each.points for each in score.reasons) == pytest.approx(score.value)
