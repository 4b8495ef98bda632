"""Logistic regression: a weighted sum of features, each brought to a like scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log, log1p
from typing import Literal, Self

from pydantic import Field, model_validator

from .features import INDEX, Values
from .files import ModelFile, Number, Piece
from .scoring import Calibration, Score, reasons_of

Shape = Literal["log", "odds", "as_is"]


def signed_log(value: float) -> float:
    """The logarithm of one more than the value; of one below zero, the same mirrored."""
    return log1p(value) if value >= 0.0 else -log1p(-value)


def log_odds(value: float) -> float:
    """Of a share, kept away from 0 and 1."""
    share = 1e-4 if value < 1e-4 else min(value, 0.9999)
    return log(share / (1.0 - share))


SHAPES: Mapping[str, Callable[[float], float]] = {"log": signed_log, "odds": log_odds, "as_is": float}
"""What is done to a feature before it is weighed."""


def shape_of(code: str) -> Shape:
    """Shares of fraud as odds, all else by its logarithm: counts and amounts have long tails."""
    return "odds" if code.endswith(("_fraud_1d", "_fraud_7d", "_fraud_30d")) else "log"


class Term(Piece):
    """One feature of the sum: ``weight * (shape(value) - mean) / scale``."""

    feature: str
    shape: Shape
    mean: Number
    scale: float = Field(gt=0, allow_inf_nan=False)
    weight: Number
    baseline: Number


class LinearFile(ModelFile):
    """The file of a logistic regression."""

    kind: Literal["logistic"]
    intercept: Number
    terms: list[Term] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_of_this_code(self) -> Self:
        self.check_features(each.feature for each in self.terms)
        return self


class LinearModel:
    """Satisfies ``Model``."""

    kind = "logistic"

    def __init__(self, file: LinearFile, version: str) -> None:
        self.version = version
        self._intercept = file.intercept
        self._calibration = Calibration(file.calibration)
        self._used = [INDEX[term.feature] for term in file.terms]
        self._baselines = {INDEX[term.feature]: term.baseline for term in file.terms}
        self._terms = [
            (INDEX[term.feature], SHAPES[term.shape], term.weight / term.scale, term.mean) for term in file.terms
        ]

    def raw(self, values: Values) -> float:
        """The log-odds, before they are calibrated."""
        return self._intercept + sum(self._parts(values))

    def score(self, values: Values) -> Score:
        parts = self._parts(values)
        score = self._calibration(self._intercept + sum(parts))
        return Score(score, reasons_of(parts, self._used, values, self._baselines, score))

    def _parts(self, values: Values) -> list[float]:
        return [weight * (shape(values[at]) - mean) for at, shape, weight, mean in self._terms]
