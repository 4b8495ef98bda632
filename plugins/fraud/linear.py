"""Logistic regression: a weighted sum of features, each brought to a like scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log1p
from typing import Literal, Self

from pydantic import Field, model_validator

from .features import INDEX, Values
from .files import ModelFile, Number, Piece
from .scoring import Calibration, Score, reasons_of

Shape = Literal["as_is", "log", "beyond"]


def as_is(value: float, _: float) -> float:
    return value


def signed_log(value: float, _: float) -> float:
    """The logarithm of one more than the value; of one below zero, the same mirrored."""
    return log1p(value) if value >= 0.0 else -log1p(-value)


def beyond(value: float, knot: float) -> float:
    """How far the value is above the knot; 0 up to it."""
    return value - knot if value > knot else 0.0


SHAPES: Mapping[Shape, Callable[[float, float], float]] = {"as_is": as_is, "log": signed_log, "beyond": beyond}
"""What is done to a feature, with its knot, before it is weighed.  Its tail says most, and each bends it differently:
bins of equal shares, which erase the tail, lose most of what is there."""


class Term(Piece):
    """One term of the sum: ``weight * (shape(value, knot) - mean) / scale``.  A feature may have several."""

    feature: str
    shape: Shape
    knot: Number = 0.0
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
        self.version, self.trained_to = version, file.trained.to
        self._intercept = file.intercept
        self._calibration = Calibration(file.calibration)
        self._baselines = {INDEX[term.feature]: term.baseline for term in file.terms}
        self._used = sorted(self._baselines)
        self._terms = [
            (at, [(SHAPES[term.shape], term.knot, term.weight / term.scale, term.mean) for term in terms])
            for at in self._used
            if (terms := [term for term in file.terms if INDEX[term.feature] == at])
        ]

    def raw(self, values: Values) -> float:
        """The log-odds, before they are calibrated."""
        return self._intercept + sum(self._parts(values))

    def score(self, values: Values) -> Score:
        parts = self._parts(values)
        score = self._calibration(self._intercept + sum(parts))
        return Score(score, reasons_of(parts, self._used, values, self._baselines, score))

    def _parts(self, values: Values) -> list[float]:
        return [
            sum([weight * (shape(values[at], knot) - mean) for shape, knot, weight, mean in terms])
            for at, terms in self._terms
        ]
