"""Small models' files, and a world of payments to train on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.fraud_simulator import World
from plugins.fraud.event import Event
from plugins.fraud.features import MEANING
from plugins.fraud.offline.history import Row

DAY = 86_400.0
TRAINED = {"on": "2026-01-01", "payments": 10, "frauds": 1, "since": 0, "to": 5, "left_out": {}}
KNOTS = [(-5, 0), (5, 99)]


def linear(*terms: dict[str, Any], **of: Any) -> dict[str, Any]:
    head = {"payguard_fraud_model": 1, "meaning": MEANING, "calibration": KNOTS, "trained": TRAINED}
    term = {"shape": "as_is", "mean": 0, "scale": 1, "weight": 1, "baseline": 0}
    return {**head, "kind": "logistic", "intercept": 0, "terms": [term | each for each in terms], **of}


def trees(*grown: dict[str, Any], **of: Any) -> dict[str, Any]:
    head = {"payguard_fraud_model": 1, "meaning": MEANING, "calibration": KNOTS, "trained": TRAINED}
    usual = {"amount": 10, "night": 0}
    return {**head, "kind": "trees", "intercept": 0, "baselines": usual, "trees": list(grown), **of}


def rows(days: int = 40, seed: int = 0, customers: int = 150) -> Iterator[Row]:
    """Payments of a simulated world, whose cards, addresses and devices are of no interest here."""
    for paid in World(seed, customers, customers, days).payments():
        event = Event(
            paid.id, float(paid.at), amount=paid.amount, currency="eur", customer=paid.customer, merchant=paid.merchant
        )
        yield Row(event, None, bool(paid.fraud), None)
