"""What fraud scoring has once per process."""

from __future__ import annotations

from gateway.testing import HandScope
from plugins.fraud.desk import SAMPLE, DecisionsDesk, Desk
from plugins.fraud.features import CODES
from plugins.fraud.options import DecisionsConfig, DeskConfig
from plugins.fraud.stability import MOVED, Drift
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

    found = {each.name: each.values for each in gate.desk.measures()}
    assert found["decisions_total"] == {("shadow", "allow"): 2, ("shadow", "block"): 2}
    assert found["rate"] == {("shadow", "block"): 0.5, ("shadow", "review"): 0.0}
    assert found["matured"] == {("shadow", "block", "fraud"): 1, ("shadow", "block", "legitimate"): 1}
    assert found["precision"] == {("shadow",): 0.5}


async def test_one_payment_of_sixteen_is_looked_at_for_drift(make: Gates) -> None:
    desk = (await make()).desk
    desk._drifts["enforce"] = drift = Drift(["score", *CODES], 2)
    for number in range(4 * SAMPLE):
        desk.see("enforce", "allow", [float(number), *[0.0] * (len(CODES) - 1)], 10.0)

    assert drift.indices()["amount"] > MOVED
    assert sum(drift._now[0].counts) == 1.0


async def test_while_the_database_is_away_decisions_are_lost_and_that_is_said_once() -> None:
    lent = HandScope()
    desk = DecisionsDesk(DecisionsConfig(), lent)
    desk.kept._lost("gone")
    desk.kept._lost("gone")

    [lost] = desk.measures()
    assert (lost.name, lost.values) == ("lost_total", {(): 2})
    assert [code for code, *_ in lent.events] == ["decision_not_kept"]


async def test_a_state_outlives_a_policy_with_the_same_options() -> None:
    lent = HandScope()
    lent.components = [DecisionsDesk(DecisionsConfig(), lent)]
    first, second = Desk(DeskConfig(), lent), Desk(DeskConfig(), lent)

    assert first.state("enforce") is second.state("enforce")
    assert first.state("enforce") is not first.state("shadow")
