from __future__ import annotations

import pytest

from plugins.fraud.tallies import LONGEST, MOST, PRIOR, UNLABELLED, counted, rates

DAY = 86_400.0
NOW = 1_760_000_000.0


def after(*labels: tuple[float, int, int]) -> bytes:
    tally = None
    for day, frauds, payments in labels:
        tally = counted(tally, NOW + day * DAY, frauds, payments)
    return tally


def test_without_labels_a_key_has_the_share_of_all() -> None:
    assert rates(None, NOW) == UNLABELLED == (PRIOR, PRIOR, PRIOR, LONGEST, LONGEST, 0, MOST)


def test_one_fraud_among_few_payments_is_no_certainty() -> None:
    day, week, month, *_ = rates(after((0, 1, 1)), NOW)

    assert day == week == month == pytest.approx((1 + PRIOR * 2) / 3)


def test_a_legitimate_payment_lowers_the_share_and_ends_the_row() -> None:
    before, later = after((0, 1, 1), (0, 1, 1)), after((0, 1, 1), (0, 1, 1), (0, 0, 1))

    assert rates(later, NOW)[0] < rates(before, NOW)[0]
    assert [rates(each, NOW)[5:] for each in (before, later)] == [(2, 0), (0, 1)]


def test_frauds_within_ten_days_are_one_series() -> None:
    tally = after((0, 1, 1), (9, 1, 1), (18, 1, 1))

    assert rates(tally, NOW + 20 * DAY)[3:5] == (2, 20)
    assert rates(counted(tally, NOW + 29 * DAY, 1, 1), NOW + 30 * DAY)[3:5] == (1, 1)


def test_a_fraud_that_is_taken_back_is_one_fewer() -> None:
    assert rates(after((0, 1, 1), (0, -1, 0)), NOW)[0] == rates(after((0, 0, 1)), NOW)[0]


def test_shares_fade_towards_that_of_all() -> None:
    tally = after((0, 1, 1))

    assert rates(tally, NOW + 10 * DAY)[0] == pytest.approx(PRIOR, abs=1e-4)
    assert rates(tally, NOW + 10 * DAY)[2] > 0.2
