from __future__ import annotations

from math import log1p

import orjson
import pytest

from plugins.fraud.linear import SHAPES
from plugins.fraud.models import parse_model
from tests.plugins.fraud.modelling import linear
from tests.plugins.fraud.test_points import values


def test_a_feature_adds_all_its_terms() -> None:
    terms = [
        {"feature": "amount", "mean": 2, "scale": 4, "weight": 2},
        {"feature": "amount", "shape": "log"},
        {"feature": "amount", "shape": "beyond", "knot": 8, "weight": 0.5},
        {"feature": "night", "weight": 3},
    ]
    model = parse_model(orjson.dumps(linear(*terms, intercept=-4)), "here")

    assert model.raw(values(amount=10)) == pytest.approx(-4 + 4 + log1p(10) + 1)
    assert [each.code for each in model.score(values(amount=10, night=1)).reasons] == ["amount", "night"]


def test_shapes_bend_a_tail_and_keep_its_order() -> None:
    assert [SHAPES["log"](each, 0) for each in (-1, 0, 1)] == [-log1p(1), 0, log1p(1)]
    assert [SHAPES["beyond"](each, 5) for each in (4, 5, 7)] == [0, 0, 2]
