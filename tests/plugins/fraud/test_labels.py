from __future__ import annotations

from plugins.fraud.labels import Count, Label, Maturity, count_of
from tests.plugins.fraud.conftest import NOON, event

WEEK = 7 * 86_400.0


def waiting(*numbers: int, entries: int = 100) -> Maturity:
    maturity = Maturity(WEEK, entries)
    for number in numbers:
        maturity.add(event(number, NOON + number))
    return maturity


def fraud(number: int, at: float) -> Label:
    return Label(f"p{number}", fraud=True, source="test", at=at)


def test_a_payment_is_legitimate_only_once_its_label_is_due() -> None:
    maturity = waiting(0, 1)

    assert list(maturity.due(NOON + WEEK - 1)) == []
    assert list(maturity.due(NOON + WEEK)) == [Count(event().keys, NOON + WEEK, 0, 1)]
    assert len(maturity) == 1


def test_a_fraud_counts_when_it_is_reported_and_not_again_when_it_is_due() -> None:
    maturity = waiting(0)

    assert maturity.label(fraud(0, NOON + 5)) == Count(event().keys, NOON + 5, 1, 1)
    assert maturity.label(fraud(0, NOON + 6)) is None
    assert list(maturity.due(NOON + 2 * WEEK)) == []


def test_a_payment_that_is_added_twice_counts_once() -> None:
    assert len(list(waiting(0, 0).due(NOON + WEEK))) == 1


def test_of_too_many_the_oldest_count_early() -> None:
    maturity = waiting(0, 1, 2, entries=2)

    assert [count.at for count in maturity.due(NOON + 3)] == [NOON + WEEK]
    assert len(maturity) == 2


def test_what_a_label_adds_depends_on_what_was_counted() -> None:
    def adds(**of):
        count = count_of(event().keys, NOON, **of)
        return count and (count.frauds, count.payments)

    assert adds(fraud=True, was_fraud=False, was_counted=False) == (1, 1)
    assert adds(fraud=True, was_fraud=False, was_counted=True) == (1, 0)
    assert adds(fraud=True, was_fraud=True, was_counted=True) is None
    assert adds(fraud=False, was_fraud=True, was_counted=True) == (-1, 0)
    assert adds(fraud=False, was_fraud=False, was_counted=False) == (0, 1)
