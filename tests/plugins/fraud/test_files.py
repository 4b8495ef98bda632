from __future__ import annotations

import pytest
from pydantic import ValidationError

from plugins.fraud.files import FORM, ModelFile
from plugins.fraud.linear import LinearFile
from tests.plugins.fraud.modelling import linear


def test_a_file_says_what_it_was_trained_on() -> None:
    file = LinearFile.model_validate(linear({"feature": "amount"}))

    assert (file.payguard_fraud_model, file.trained.frauds) == (FORM, 1)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_are_finite(number) -> None:
    with pytest.raises(ValidationError, match="finite"):
        LinearFile.model_validate(linear({"feature": "amount"}, intercept=number))


def test_features_are_those_of_the_code() -> None:
    ModelFile.check_features(["amount", "night"])
    with pytest.raises(ValueError, match="did you mean 'night'"):
        ModelFile.check_features(["amount", "nihgt"])
