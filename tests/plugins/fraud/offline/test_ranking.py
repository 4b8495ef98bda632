from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from plugins.fraud.offline.ranking import (
    average_precision,
    card_precision,
    curve,
    for_capacity,
    for_cost,
    for_precision,
    interval,
    value_recall,
)

SCORES, FRAUDS = np.array([90.0, 80.0, 80.0, 40.0, 10.0]), np.array([1.0, 1.0, 0.0, 0.0, 1.0])


def test_average_precision_is_that_of_scikit_learn_ties_included() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores, frauds = rng.integers(0, 30, 300).astype(float), (rng.random(300) < 0.1).astype(float)
        assert average_precision(scores, frauds) == pytest.approx(average_precision_score(frauds, scores))


def test_without_a_fraud_there_is_nothing_to_find() -> None:
    assert curve(SCORES, np.zeros(5)) == []
    assert average_precision(SCORES, np.zeros(5)) == 0


def test_the_curve_has_a_point_for_each_score() -> None:
    assert [tuple(point) for point in curve(SCORES, FRAUDS)][:2] == [(90, 1, 1 / 3, 1), (80, 2 / 3, 2 / 3, 3)]


def test_a_customer_who_was_found_is_not_looked_at_again() -> None:
    customers, days = ["a", "b", "a", "b"], np.array([1, 1, 2, 2])
    scores, frauds = np.array([9.0, 1.0, 9.0, 1.0]), np.array([1.0, 0.0, 1.0, 1.0])

    assert card_precision(scores, frauds, customers, days, most=1) == 1


def test_a_customers_day_counts_by_his_highest_payment() -> None:
    scores, frauds = np.array([1.0, 9.0, 5.0]), np.array([1.0, 0.0, 0.0])

    assert card_precision(scores, frauds, ["a", "a", "b"], np.zeros(3), most=1) == 1


def test_payments_that_name_no_customer_are_not_one_customers() -> None:
    scores, frauds = np.array([9.0, 1.0, 9.0, 1.0]), np.array([1.0, 1.0, 1.0, 1.0])

    assert card_precision(scores, frauds, [None, "a", None, "b"], np.array([1, 1, 2, 2]), most=1) == 1
    assert card_precision(scores, frauds, [None] * 4, np.array([1, 1, 2, 2]), most=1) == 0


def test_value_recall_is_of_amounts() -> None:
    assert value_recall(SCORES >= 80, FRAUDS, np.array([10.0, 20, 30, 40, 70])) == 0.3


def test_thresholds_are_suggested_for_each_aim() -> None:
    points = curve(SCORES, FRAUDS)

    assert for_precision(points, 0.6, days=1)[1:] == (10, 0.6, 1, 5)
    assert for_precision(points, 0.65, days=1)[1:] == (80, 2 / 3, 2 / 3, 3)
    assert for_capacity(points, 2, days=1).threshold == 90
    assert for_precision(points, 1.1, days=1) is for_capacity(points, 0.5, days=1) is None
    amounts = np.array([100.0, 100, 1, 1, 2])
    assert for_cost(SCORES, FRAUDS, amounts, review=5, days=1).threshold == 80
    assert for_cost(SCORES, FRAUDS, amounts, review=0.1, days=1).threshold == 10


def test_an_interval_holds_the_figure_and_narrows_with_more_days() -> None:
    rng = np.random.default_rng(1)

    def of(days: int):
        scores = rng.random(days * 20)
        frauds = (rng.random(days * 20) < scores / 2).astype(float)
        return interval(lambda at: average_precision(scores[at], frauds[at]), np.repeat(np.arange(days), 20))

    few, many = of(5), of(80)
    assert few.low < few.value < few.high
    assert many.high - many.low < few.high - few.low
