"""Ranking: how well scores put frauds first.  Pure; scores, frauds and amounts are arrays of one length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

CARDS = 100
"""Customers that a day's reviewers can look at: of card precision (Fraud-Detection-Handbook, chapter 4)."""


class Point(NamedTuple):
    """What reviewing all payments from a score on finds."""

    score: float
    precision: float
    recall: float
    reviewed: int


class Interval(NamedTuple):
    """A figure with the range that holds nine of ten resampled ones."""

    value: float
    low: float
    high: float


def curve(scores: Any, frauds: Any) -> list[Point]:
    """Precision and recall at each score that was given, the highest first; empty without a fraud."""
    if not frauds.sum():
        return []
    ranked, found, last = _ranked(scores, frauds)
    columns = ranked, found / (last + 1), found / found[-1], last + 1
    return [Point(*each) for each in zip(*[column.tolist() for column in columns], strict=True)]


def _ranked(scores: Any, frauds: Any) -> tuple[Any, Any, Any]:
    """Each different score, the highest first; the frauds from it on; the place of the last payment that has it."""
    import numpy as np  # noqa: PLC0415 - of the extra payguard[train]

    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    return ranked[last], np.cumsum(frauds[order])[last], last


def average_precision(scores: Any, frauds: Any) -> float:
    """The mean of the precision at each fraud, ties taken together (as scikit-learn counts it)."""
    import numpy as np  # noqa: PLC0415

    if not frauds.sum():
        return 0.0
    _, found, last = _ranked(scores, frauds)
    return float((np.diff(found, prepend=0) * found / (last + 1)).sum() / found[-1])


def card_precision(scores: Any, frauds: Any, customers: Sequence[Any], days: Any, most: int = CARDS) -> float:
    """The mean share of frauds among each day's ``most`` highest customers."""
    shares = daily_precision(scores, frauds, customers, days, most)
    return sum(shares) / len(shares) if shares else 0.0


def daily_precision(scores: Any, frauds: Any, customers: Sequence[Any], days: Any, most: int = CARDS) -> list[float]:
    """For each day, the share of frauds among its ``most`` highest customers.

    A customer's score is that of his highest payment; one who was found with a fraud is not looked at again.  Payments
    that name no customer are not looked at.
    """
    known: set[Any] = set()
    shares = []
    for day in sorted(set(days.tolist())):
        highest: dict[Any, float] = {}
        had: dict[Any, bool] = {}
        for at in (days == day).nonzero()[0]:
            customer = customers[at]
            if customer is not None and customer not in known:
                highest[customer] = max(highest.get(customer, float("-inf")), scores[at])
                had[customer] = had.get(customer, False) or bool(frauds[at])
        found = {each for each in sorted(highest, key=lambda each: -highest[each])[:most] if had[each]}
        shares.append(len(found) / most)
        known |= found
    return shares


def value_recall(flagged: Any, frauds: Any, amounts: Any) -> float:
    """The share of the frauds' amounts that was flagged."""
    total = float(amounts[frauds > 0].sum())
    return float(amounts[(frauds > 0) & flagged].sum()) / total if total else 0.0


def interval(measure: Callable[[Any], float], days: Any, rounds: int = 200, seed: int = 0) -> Interval:
    """A measure of the payments at some places, with what it is of days drawn again and again (a bootstrap).

    Days, not payments, are drawn: those of one day belong together.
    """
    import numpy as np  # noqa: PLC0415

    places = {day: (days == day).nonzero()[0] for day in set(days.tolist())}
    names, rng = sorted(places), np.random.default_rng(seed)
    drawn = [
        measure(np.concatenate([places[names[at]] for at in rng.integers(len(names), size=len(names))]))
        for _ in range(rounds)
    ]
    low, high = np.quantile(drawn, [0.05, 0.95])
    return Interval(measure(np.arange(len(days))), float(low), float(high))


class Suggestion(NamedTuple):
    """A threshold for an aim, and what it did in this history."""

    aim: str
    threshold: int
    precision: float
    recall: float
    reviewed_a_day: float


def for_precision(points: Sequence[Point], target: float, days: int) -> Suggestion | None:
    """The lowest whole score from which so large a share are frauds; None where no score is as good."""
    good = [point for point in points if point.precision >= target]
    return _suggested(points, f"precision of {target:.0%}", good[-1], days) if good else None


def for_capacity(points: Sequence[Point], a_day: float, days: int) -> Suggestion | None:
    """The lowest whole score from which no more come than can be reviewed a day."""
    good = [point for point in points if point.reviewed <= a_day * days]
    return _suggested(points, f"{a_day:g} reviews a day", good[-1], days) if good else None


def for_cost(scores: Any, frauds: Any, amounts: Any, review: float, days: int) -> Suggestion | None:
    """The score at which the frauds that pass and the reviews (at ``review`` each) together cost least."""
    points = curve(scores, frauds)
    if not points:
        return None
    lost = [float(amounts[(frauds > 0) & (scores < point.score)].sum()) + review * point.reviewed for point in points]
    best = points[lost.index(min(lost))]
    return _suggested(points, f"least cost at {review:g} a review", best, days)


def _suggested(points: Sequence[Point], aim: str, point: Point, days: int) -> Suggestion:
    """For the whole score at or above the point's: scores are compared as whole numbers."""
    whole = -int(-point.score // 1)
    held = [each for each in points if each.score >= whole] or [point]
    last = held[-1]
    return Suggestion(aim, whole, last.precision, last.recall, last.reviewed / max(1, days))
