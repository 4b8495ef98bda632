from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from gateway.facts import Card, Payment, Principal


@pytest.mark.parametrize(
    ("fact", "name"),
    [
        (Principal("shop"), "id"),
        (Card(hash="1:ab", bin="424242", last4="4242"), "last4"),
        (Payment("payment.create"), "amount"),
    ],
)
def test_a_fact_does_not_change(fact, name) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(fact, name, "other")


def test_facts_are_compared_by_what_they_say() -> None:
    assert Payment("payment.create", 1000, "eur") == Payment("payment.create", 1000, "eur")
    assert Principal("shop") != Principal("other")


def test_of_a_payment_only_its_operation_is_always_known() -> None:
    capture = Payment("payment.capture")

    assert (capture.amount, capture.currency, capture.customer, capture.card) == (None, None, None, None)
