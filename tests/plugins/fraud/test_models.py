from __future__ import annotations

import orjson
import pytest

from plugins.fraud.models import load_model, parse_model
from plugins.fraud.scoring import ModelError
from tests.plugins.fraud.modelling import linear, trees
from tests.plugins.fraud.test_trees import GROWN

AMOUNT = {"feature": "amount"}


def said(text: bytes) -> str:
    with pytest.raises(ModelError) as refused:
        parse_model(text, "model.json")
    return str(refused.value)


def test_the_version_of_a_model_is_that_of_its_bytes(tmp_path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(orjson.dumps(linear(AMOUNT)))
    one = load_model(path)
    path.write_bytes(orjson.dumps(linear(AMOUNT, intercept=1)))

    assert one.kind == "logistic"
    assert one.trained_to == 5
    assert len(one.version) == 12 != load_model(path).version


def test_a_file_that_is_not_there_is_said(tmp_path) -> None:
    with pytest.raises(ModelError, match=r"none\.json: No such file"):
        load_model(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", "model.json: it is no JSON"),
        (b"[]", "model.json: it is no fraud model of Payguard's"),
        (b'{"payguard_fraud_model": 2}', "it has form 2, this version reads form 1: train it again"),
        (orjson.dumps(linear(AMOUNT))[:-20], "it is no JSON"),
        (
            orjson.dumps(linear(AMOUNT, meaning=0)),
            "meaning: it was trained on features of version 0, this is version 1",
        ),
        (
            orjson.dumps(linear({"feature": "amuont"})),
            "it needs a feature 'amuont', which this version does not compute",
        ),
        (orjson.dumps(linear(AMOUNT | {"scale": 0})), "terms.0.scale: Input should be greater than 0"),
        (orjson.dumps(linear(AMOUNT, calibration=[(0, 5)])), "calibration: the calibration needs two or more knots"),
        (orjson.dumps(linear(AMOUNT, kind="forest")), "Input tag 'forest'"),
        (orjson.dumps(linear(AMOUNT, more=1)), "more: Extra inputs are not permitted"),
        (orjson.dumps(trees(GROWN, baselines={"amount": 1})), "no baseline for night"),
        (orjson.dumps(trees({**GROWN, "threshold": None})), "trees.0.threshold: Input should be a valid number"),
        (orjson.dumps(trees(GROWN, intercept="import os")), "intercept: Input should be a valid number"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(text, message) -> None:
    assert message in said(text)
