from __future__ import annotations

import orjson
import pytest

from plugins.fraud.judge import judge_of, model_of
from plugins.fraud.points import HAND_SET, Points, PointsModel
from plugins.fraud.scoring import ModelError
from tests.plugins.fraud.conftest import event
from tests.plugins.fraud.modelling import linear
from tests.plugins.fraud.test_points import values


def test_without_options_it_is_points_and_radars_thresholds() -> None:
    judge = judge_of({})

    assert judge.model.kind == "points"
    assert (judge.ruling.review_at, judge.ruling.block_at) == (65, 75)


def test_points_of_a_policy_take_the_place_of_those_for_the_same_factor() -> None:
    own = Points(factor="night", above=0.5, points=50)

    off = own.model_copy(update={"points": 0})
    late = values(night=1)

    assert [model_of(None, given).score(late).value for given in ([], [own], [off])] == [7, 55, 5]
    others = [each for each in HAND_SET if each.factor != "night"]
    assert model_of(None, [own]).version == PointsModel([*others, own]).version


def test_rules_are_told_whichever_decides() -> None:
    options = {"rules": [{"code": "late", "when": {"night": "== 1"}, "then": "review"}]}
    judged = judge_of(options).judge(event(), values(night=1))

    assert (judged.decision.by, judged.rules) == ("rule:late", ("late",))


def test_a_model_takes_the_place_of_points(tmp_path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(orjson.dumps(linear({"feature": "night", "weight": 9})))

    assert judge_of({"model": str(path)}).judge(event(), values(night=1)).decision.kind == "block"
    with pytest.raises(ModelError):
        judge_of({"model": str(tmp_path / "none")})
