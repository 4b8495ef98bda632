"""What of fraud scoring stands at ``/metrics``."""

from __future__ import annotations

from gateway import Component
from gateway.telemetry.metrics import Metrics
from gateway.testing import HandScope
from plugins.fraud.desk import DecisionsDesk, Desk
from plugins.fraud.measures import measures
from plugins.fraud.options import DecisionsConfig, DeskConfig
from plugins.fraud.stability import MOVED, Drift


def moved() -> Drift:
    drift = Drift(["score", "amount"], 100)
    for number in range(200):
        drift.add([10.0, float(number)])
    return drift


def test_rates_are_of_all_that_was_decided_in_that_mode() -> None:
    decided = {("shadow", "allow"): 3, ("shadow", "block"): 1, ("enforce", "review"): 1}
    found = {each.name: each.values for each in measures(decided, {}, {})}

    assert found["decisions_total"] == decided
    assert found["rate"] == {
        ("shadow", "review"): 0.0,
        ("shadow", "block"): 0.25,
        ("enforce", "review"): 1.0,
        ("enforce", "block"): 0.0,
    }


def test_precision_is_of_what_was_reviewed_or_blocked_and_none_where_nothing_was() -> None:
    matured = {
        ("shadow", "review", "legitimate"): 2,
        ("shadow", "block", "fraud"): 1,
        ("shadow", "allow", "fraud"): 5,
        ("enforce", "allow", "legitimate"): 7,
    }
    found = {each.name: each.values for each in measures({}, matured, {})}

    assert (found["matured"], found["precision"]) == (matured, {("shadow",): 1 / 3})


def test_how_far_numbers_have_moved_is_told_once_it_can_be() -> None:
    found = {each.name: each.values for each in measures({}, {}, {"enforce": moved(), "shadow": Drift(["score"], 9)})}

    assert found["drift"].keys() == {("enforce", "score"), ("enforce", "amount")}
    assert found["drift"]["enforce", "score"] == 0.0
    assert found["drift"]["enforce", "amount"] > MOVED


def test_all_of_them_can_be_scraped() -> None:
    lent, metrics = HandScope(), Metrics()
    decisions = DecisionsDesk(DecisionsConfig(), lent)
    lent.components = [decisions]
    desk = Desk(DeskConfig(), lent)
    desk.decided["shadow", "block"] = 3
    desk._drifts["shadow"] = moved()
    parts: list[Component] = [desk, decisions]
    metrics.components = lambda: parts

    said = metrics.exposition()[0].decode()
    assert 'payguard_fraud_decisions_total{decision="block",mode="shadow"} 3.0' in said
    assert 'payguard_fraud_rate{decision="block",mode="shadow"} 1.0' in said
    assert 'payguard_fraud_drift{mode="shadow",of="score"} 0.0' in said
    assert "payguard_decisions_lost_total 0.0" in said
