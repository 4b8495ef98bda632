from __future__ import annotations

import random

import pytest

from plugins.fraud.features import INDEX
from plugins.fraud.offline.history import Row
from plugins.fraud.offline.replay import replay
from tests.plugins.fraud.conftest import NOON, event
from tests.plugins.fraud.modelling import DAY, rows

SHARE = INDEX["merchant_fraud_30d"]


def row(day: float, fraud: bool = False, labelled: float | None = None) -> Row:
    paid = event(int(day * 100), NOON + day * DAY, merchant="m1", card="k1")
    return Row(paid, None, fraud, None if labelled is None else NOON + labelled * DAY)


def shares(*given: Row) -> list[float]:
    return [scene.values[SHARE] for scene in replay(given)]


def test_a_label_counts_when_it_is_due_and_not_before() -> None:
    first, before, after = shares(row(0, True), row(6.9), row(7.1))

    assert first == before
    assert after > 0.3


def test_a_fraud_that_was_reported_counts_from_then() -> None:
    first, before, after = shares(row(0, True, labelled=2), row(1.9), row(2.1))

    assert first == before
    assert after > 0.3


def test_a_fraud_reported_after_its_payment_was_counted_counts_once_as_a_payment() -> None:
    late, early = shares(row(0, True, labelled=10), row(10.5)), shares(row(0, True, labelled=7), row(10.5))

    assert late[-1] == pytest.approx(early[-1], rel=0.2)


def test_labels_of_the_future_change_nothing() -> None:
    """Shuffled among the payments whose labels were not yet known at an instant, they leave all features before it."""
    history = list(rows(days=20))
    instant = history[0].event.at + 12 * DAY
    ahead = [number for number, each in enumerate(history) if each.event.at + 7 * DAY > instant]
    labels = [history[number].fraud for number in ahead]
    random.Random(3).shuffle(labels)
    other = list(history)
    for number, fraud in zip(ahead, labels, strict=True):
        other[number] = history[number]._replace(fraud=fraud)
    assert other != history

    pairs = list(zip(replay(history), replay(other), strict=True))

    assert all(one.values == two.values for one, two in pairs if one.event.at <= instant)
    assert any(one.values != two.values for one, two in pairs)


def test_declines_are_known_to_the_next_payment() -> None:
    given = [row(0)._replace(declined=True), row(0.1)._replace(declined=True), row(0.2)]

    assert [scene.values[INDEX["card_declines"]] for scene in replay(given)] == [0, 1, 2]
