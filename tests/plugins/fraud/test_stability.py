from __future__ import annotations

import random

import pytest

from plugins.fraud.stability import Drift, Histogram, edges_of, stability


def test_equal_populations_have_an_index_of_nothing() -> None:
    assert stability([10, 20, 70], [1, 2, 7]) == pytest.approx(0)


def test_the_index_is_that_of_the_textbook() -> None:
    assert stability([50, 50], [25, 75]) == pytest.approx(0.25 * 1.0986, abs=1e-3)


def test_bins_hold_equal_shares_and_repeated_values_one() -> None:
    assert edges_of(list(range(100)), 4) == [25, 50, 75]
    assert edges_of([0] * 90 + [1] * 10) == [0]
    assert edges_of([]) == edges_of([3, 3]) == []


def test_a_histogram_counts_up_to_and_including_an_edge() -> None:
    histogram = Histogram([0, 10])
    for value in (-1, 0, 5, 10, 11):
        histogram.add(value)
    assert histogram.counts == [2, 2, 1]
    histogram.half()
    assert histogram.counts == [1, 1, 0.5]


def test_numbers_that_moved_are_found_and_those_that_did_not_are_not() -> None:
    rng, drift = random.Random(1), Drift(("same", "moved"), settle=500)
    for number in range(2_000):
        shift = 3 if number >= 500 else 0
        drift.add([rng.gauss(0, 1), rng.gauss(shift, 1)])
        if number < 700:
            assert drift.indices() == {}

    assert drift.indices()["same"] < 0.1
    assert drift.indices()["moved"] > 0.25


def test_what_moved_back_is_forgotten() -> None:
    rng, drift = random.Random(1), Drift(("moved",), settle=200)
    for number in range(4_000):
        drift.add([rng.gauss(5 if 200 <= number < 600 else 0, 1)])

    assert drift.indices()["moved"] < 0.25
