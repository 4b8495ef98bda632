"""The arithmetic: medians and spreads of per-round ratios, quantiles, a line through samples."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """A median with the least and the most it came from."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


def ratios(costs: Mapping[int, float], base: Mapping[int, float]) -> Spread | None:
    """``costs`` over ``base``, round by round.  None where they share no round."""
    shared = [costs[number] / base[number] for number in costs if base.get(number)]
    return Spread.of(shared) if shared else None


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest of ``ordered`` that at least ``share`` of them do not exceed."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


@dataclass(frozen=True)
class Line:
    """A least-squares line, with the standard error of its slope.

    The error is widened for residuals that follow each other (memory grows in steps), by their lag-one correlation.
    """

    slope: float
    error: float
    start: float

    @classmethod
    def through(cls, xs: Sequence[float], ys: Sequence[float]) -> Line:
        if len(xs) < 3:
            raise ValueError("A slope with an error takes three samples or more")
        slope, start = statistics.linear_regression(xs, ys)
        residuals = [y - start - slope * x for x, y in zip(xs, ys, strict=True)]
        mean = statistics.fmean(xs)
        spread = sum((x - mean) ** 2 for x in xs)
        variance = sum(r * r for r in residuals) / (len(xs) - 2)
        return cls(slope, math.sqrt(variance / spread) * _widening(residuals), start)


def _widening(residuals: Sequence[float]) -> float:
    squares = sum(r * r for r in residuals)
    if not squares:
        return 1.0
    follow = sum(a * b for a, b in itertools.pairwise(residuals)) / squares
    follow = min(max(follow, 0.0), 0.99)
    return math.sqrt((1 + follow) / (1 - follow))
