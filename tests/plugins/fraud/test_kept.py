"""Decisions that are kept."""

from __future__ import annotations

from typing import Any

import pytest

from gateway import Database
from plugins.fraud import kept
from plugins.fraud.decision import Decision
from plugins.fraud.event import Event
from plugins.fraud.features import CODES
from plugins.fraud.kept import Decisions
from plugins.fraud.scoring import Reason
from tests.plugins.fraud.conftest import BOTH

pytestmark = BOTH

VALUES = [0.0] * (len(CODES) - 1) + [12.5]


def keep(decisions: Decisions, event: Event, **given: Any) -> None:
    decision = Decision("review", 67, "score", (Reason("amount_ratio", 6.0, 2.0, 30.0),))
    known = {"payment": "p", "request_id": "r", "route": "pay", "mode": "enforce", "model": "points:0", "policy": "d"}
    decisions.keep(event, decision, VALUES, **known | given)


async def test_a_decision_comes_back_as_it_was(database: Database) -> None:
    decisions = Decisions(lambda: database, pytest.fail)
    keep(decisions, Event("aa", 1.5, amount=700, currency="eur", card="1:ab"))
    await database.write("DELETE FROM decisions WHERE id = $1", "none")  # committed after it
    found = await decisions.find("p")

    assert found is not None
    said = found.document
    assert (said["id"], said["score"], said["factors"], said["keys"]) == ("aa", 67, {CODES[-1]: 12.5}, {"card": "1:ab"})
    assert said["reasons"] == [{"code": "amount_ratio", "value": 6.0, "baseline": 2.0, "points": 30.0}]
    assert await decisions.find("nobody") is None


async def test_factors_that_meant_something_else_are_not_shown(database: Database, monkeypatch) -> None:
    decisions = Decisions(lambda: database, pytest.fail)
    keep(decisions, Event("aa", 1.5))
    await database.write("DELETE FROM decisions WHERE id = $1", "none")
    monkeypatch.setattr(kept, "MEANING", kept.MEANING + 1)

    found = await decisions.find("aa")
    assert found is not None
    assert found.document["factors"] == {}


async def test_one_that_cannot_be_written_is_told(database: Database) -> None:
    told: list[str] = []
    decisions = Decisions(lambda: database, told.append)
    for _ in range(2):
        keep(decisions, Event("aa", 1.5))
    while not told:
        await database.read("SELECT 1")

    assert len(told) == 1
