"""Stability: how far numbers of today are from those of a time before (the population stability index).  Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import log

BINS = 10
"""Tenths of the time before, by its quantiles."""
MOVED = 0.25
"""An index from which a population is held to have moved; below 0.1 it is as it was (a rule of thumb of credit
scoring: N. Siddiqi, Credit Risk Scorecards, 2006)."""
_LEAST = 1e-4


def edges_of(values: Sequence[float], bins: int = BINS) -> list[float]:
    """The upper edges of bins that hold equal shares; fewer where values repeat."""
    ordered = sorted(values)
    found = [ordered[len(ordered) * number // bins] for number in range(1, bins)] if ordered else []
    return sorted({edge for edge in found if edge < ordered[-1]})


def shares(counts: Sequence[float]) -> list[float]:
    total = sum(counts) or 1.0
    return [max(count / total, _LEAST) for count in counts]


def stability(before: Sequence[float], now: Sequence[float]) -> float:
    """The index of two histograms over the same bins: 0 where they are alike."""
    pairs = zip(shares(before), shares(now), strict=True)
    return sum((new - old) * log(new / old) for old, new in pairs)


class Histogram:
    """How often a number fell into each bin; ``half`` forgets half of it, so that it is about what is recent."""

    __slots__ = ("counts", "edges")

    def __init__(self, edges: Sequence[float]) -> None:
        self.edges = list(edges)
        self.counts = [0.0] * (len(edges) + 1)

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.edges, value)] += 1.0

    def half(self) -> None:
        self.counts = [count / 2 for count in self.counts]


class Drift:
    """Some numbers, each against how it was over the first ``settle`` payments; about the last ``settle`` are now.

    Bounded: ``settle`` numbers of each name until the bins are known, then two histograms.
    """

    def __init__(self, names: Sequence[str], settle: int = 2_000) -> None:
        self.names, self.settle = tuple(names), settle
        self._first: list[list[float]] = [[] for _ in names]
        self._before: list[Histogram] = []
        self._now: list[Histogram] = []
        self._added = 0

    def add(self, values: Sequence[float]) -> None:
        """The numbers of one payment, in the order of the names."""
        if not self._before:
            self._settle(values)
            return
        for histogram, value in zip(self._now, values, strict=True):
            histogram.add(value)
        self._added += 1
        if self._added >= self.settle:
            self._added //= 2
            for histogram in self._now:
                histogram.half()

    def indices(self) -> dict[str, float]:
        """The index of each name; none before as many payments came again as it settled on."""
        if not self._before or sum(self._now[0].counts) < self.settle / 2:
            return {}
        pairs = zip(self.names, self._before, self._now, strict=True)
        return {name: stability(before.counts, now.counts) for name, before, now in pairs}

    def _settle(self, values: Sequence[float]) -> None:
        for first, value in zip(self._first, values, strict=True):
            first.append(value)
        if len(self._first[0]) < self.settle:
            return
        edges = [edges_of(first) for first in self._first]
        self._before, self._now = [Histogram(each) for each in edges], [Histogram(each) for each in edges]
        for histogram, first in zip(self._before, self._first, strict=True):
            for value in first:
                histogram.add(value)
        self._first = []
