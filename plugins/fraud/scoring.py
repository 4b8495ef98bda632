"""What a model is: something that gives a payment's features a score from 0 to 99, and says why."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from .features import CODES, Values

HIGHEST = 99.0
TOLD = 3
"""Reasons of one score: those with most points."""


class Reason(NamedTuple):
    """One factor of a score: what it was, what is usual, and how many points of the score it made."""

    code: str
    value: float
    baseline: float
    points: float


class Score(NamedTuple):
    """From 0 to 99, with fractions for whoever ranks payments by it; reasons with most points first."""

    value: float
    reasons: tuple[Reason, ...]


class ModelError(ValueError):
    """A model cannot be had from what was given; says of which file, and what is wrong."""


class Model(Protocol):
    """Pure: equal features, equal score."""

    kind: str
    """``points``, ``logistic`` or ``trees``."""
    version: str
    """A digest of its numbers: what a decision that is kept names."""
    trained_to: float
    """The time of the last payment that it was trained on; 0 where it was not trained."""

    def score(self, values: Values) -> Score:
        """``values`` are as ``features`` gives them.  Reasons raise the score; there may be none."""


class Calibration:
    """From what a model adds up, such as log-odds, to a score: straight lines between knots, flat beyond them."""

    def __init__(self, knots: Sequence[tuple[float, float]]) -> None:
        """ValueError unless there are two or more, raw values rise, and scores from 0 to 99 do not fall."""
        self._raw = [float(raw) for raw, _ in knots]
        self._scores = [float(score) for _, score in knots]
        rises = all(a < b for a, b in zip(self._raw, self._raw[1:], strict=False))
        if len(knots) < 2 or not rises or sorted(self._scores) != self._scores:
            raise ValueError("the calibration needs two or more knots that rise")
        if self._scores[0] < 0 or self._scores[-1] > HIGHEST:
            raise ValueError("the calibration leads out of 0 to 99")

    def __call__(self, raw: float) -> float:
        at = bisect_right(self._raw, raw)
        if at == 0:
            return self._scores[0]
        if at == len(self._raw):
            return self._scores[-1]
        low, high, start = self._raw[at - 1], self._raw[at], self._scores[at - 1]
        return start + (self._scores[at] - start) * (raw - low) / (high - low)


def reasons_of(
    parts: Sequence[float], used: Sequence[int], values: Values, baselines: Mapping[int, float], score: float
) -> tuple[Reason, ...]:
    """The features whose part of the sum raised it most, with their share of the score as points.

    ``parts[n]`` is that of the feature at ``used[n]``.
    """
    raised = [(part, at) for part, at in zip(parts, used, strict=True) if part > 0.0]
    if not raised:
        return ()
    share = score / sum([part for part, _ in raised])
    raised.sort(reverse=True)
    return tuple([Reason(CODES[at], values[at], baselines[at], part * share) for part, at in raised[:TOLD]])
