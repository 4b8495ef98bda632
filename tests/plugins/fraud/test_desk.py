"""What fraud scoring has once per process."""

from __future__ import annotations

from gateway.testing import HandScope
from plugins.fraud.desk import SAMPLE, DecisionsDesk, Desk
from plugins.fraud.options import DecisionsConfig, DeskConfig
from tests.plugins.fraud.gates import BLOCKS, Gates


async def test_old_decisions_go_and_younger_ones_stay(make: Gates) -> None:
    gate = await make()
    await gate.pay("a")
    await gate.decisions.purge()
    assert len((await gate.get("decisions")).json()["items"]) == 1

    await gate.decisions.kept.purge(gate.decisions.scope.clock.now() + 1, 0.0)
    assert (await gate.get("decisions")).json()["items"] == []


async def test_rates_and_the_precision_of_what_was_refused_are_numbers_to_scrape(make: Gates) -> None:
    gate = await make("shadow", **BLOCKS)
    for number, amount in enumerate((100, 60_000, 70_000, 200)):
        await gate.pay(str(number), amount)
        await gate.client.ended()
    large = [each["payment"] for each in (await gate.get("decisions")).json()["items"] if each["decision"] == "block"]
    labels = [
        {"payment": each, "label": word, "source": "bank"}
        for each, word in zip(large, ("fraud", "legitimate"), strict=True)
    ]
    await gate.post("fraud/labels", labels=labels, by="ann")

    numbers = gate.desk.numbers()
    assert (numbers["shadow_block"], numbers["shadow_block_rate"], numbers["shadow_review_rate"]) == (2, 0.5, 0.0)
    assert (numbers["shadow_matured_block_fraud"], numbers["shadow_precision"]) == (1, 0.5)


async def test_how_far_numbers_have_moved_is_told_once_it_can_be(make: Gates) -> None:
    gate = await make()
    drift = gate.desk.drift("enforce")
    for number in range(2 * drift.settle * SAMPLE):
        amount = float(number % 100 + (50 if number > drift.settle * SAMPLE else 0))
        gate.desk.see("enforce", "allow", [amount, *[0.0] * (len(drift.names) - 2)], 10.0)
    assert gate.desk.numbers()["enforce_drift_score"] == 0.0
    assert gate.desk.numbers()["enforce_drift_amount"] > 0.25


async def test_while_the_database_is_away_decisions_are_lost_and_that_is_said_once() -> None:
    lent = HandScope()
    desk = DecisionsDesk(DecisionsConfig(), lent)
    desk.kept._lost("gone")
    desk.kept._lost("gone")

    assert desk.numbers() == {"lost": 2}
    assert [code for code, *_ in lent.events] == ["decision_not_kept"]


async def test_a_state_outlives_a_policy_with_the_same_options() -> None:
    lent = HandScope()
    lent.components = [DecisionsDesk(DecisionsConfig(), lent)]
    first, second = Desk(DeskConfig(), lent), Desk(DeskConfig(), lent)

    assert first.state("enforce") is second.state("enforce")
    assert first.state("enforce") is not first.state("shadow")
