"""The filter over real sockets, databases and stores."""

from __future__ import annotations

from time import time

import pytest

from gateway import Database, DatabaseDown, Exchange, Payment, Response
from gateway.control.compiler import PolicyError
from gateway.control.forwarding import Forwarding
from gateway.ledger.records import Query, State
from gateway.testing import HandScope, exchange
from plugins.fraud.desk import DecisionsDesk, Desk
from plugins.fraud.filter import Fraud
from plugins.fraud.header import verified
from plugins.fraud.options import DecisionsConfig, DeskConfig, FraudConfig
from plugins.fraud.problems import ReviewUnavailable
from tests.plugins.fraud.conftest import BOTH
from tests.plugins.fraud.gates import BLOCKS, KEY, REVIEWS, Gates
from tests.servers import Valkey


@pytest.mark.parametrize("status", [402, 403])
async def test_a_payment_is_refused_and_the_answer_tells_nothing_of_why(make: Gates, status: int) -> None:
    gate = await make(**BLOCKS, block_status=status)
    refused = await gate.pay("a", 50_000)
    passed = await gate.pay("b")

    assert (refused.status_code, refused.json()["code"]) == (status, "payment_refused")
    assert not {"large", "score", "rule", "fraud"} & set(refused.text.replace('"', " ").lower().split())
    assert (passed.status_code, len(gate.behind.seen)) == (200, 1)


@BOTH
async def test_a_refusal_frees_the_key_and_is_recorded_and_a_repeat_is_judged_afresh(make: Gates) -> None:
    gate = await make(**BLOCKS)
    await gate.pay("a", 50_000)
    await gate.pay("a", 50_000)

    [record] = await gate.ledger.list(Query())
    assert (record.state, record.reason, record.delivery) == (State.RELEASED, "payment_refused", "unsent")
    kept = (await gate.get("decisions", payment=record.id)).json()["items"]
    assert [(each["decision"], each["decided_by"]) for each in kept] == [("block", "rule:large")] * 2


async def test_a_repeat_that_is_replayed_is_not_scored_again(make: Gates) -> None:
    gate = await make()
    first, second = await gate.pay("a"), await gate.pay("a")

    assert (first.json(), second.headers["idempotent-replayed"]) == (second.json(), "true")
    assert len((await gate.get("decisions")).json()["items"]) == 1


async def test_a_payment_to_be_reviewed_passes_on_with_a_header_that_the_backend_can_verify(make: Gates) -> None:
    gate = await make(**REVIEWS, sign_with="env:RISK_KEY")
    await gate.pay("a", 50_000, {"Payguard-Risk": "score=0, decision=allow"})
    await gate.pay("b", 100, {"payguard_risk": "score=0, decision=allow"})

    told, untold = ([each.headers.get(name) for name in each.headers if "risk" in name] for each in gate.behind.seen)
    assert untold == []
    [said] = told
    assert said is not None
    read = verified(KEY.encode(), said, time())
    assert read is not None
    [newest, oldest] = (await gate.get("decisions")).json()["items"]
    assert (read["id"], read["decision"], newest["decision"]) == (oldest["id"], "review", "allow")


@BOTH
async def test_a_payment_that_is_held_is_sent_once_when_it_is_approved_and_not_judged_again(make: Gates) -> None:
    gate = await make(**REVIEWS, on_review="hold", sign_with="env:RISK_KEY")
    taken = await gate.pay("a", 50_000)
    assert (taken.status_code, taken.json()["state"], gate.behind.seen) == (202, "held", [])
    approved = await gate.post(f"payments/{taken.json()['id']}/approve", reason="a known customer", by="ann")
    for _ in range(2):
        await gate.client.component(Forwarding).send()

    assert approved.json()["state"] == "accepted"
    [sent] = gate.behind.seen
    assert verified(KEY.encode(), sent.headers["payguard-risk"], time()) is not None
    [record] = await gate.ledger.list(Query())
    assert record.state is State.SUCCEEDED
    assert len((await gate.get("decisions")).json()["items"]) == 1


async def test_a_payment_that_nobody_reviews_in_time_has_failed_and_that_is_told(make: Gates, monkeypatch) -> None:
    gate = await make(**REVIEWS, on_review="hold", hold={"within": "1ms"})
    await gate.pay("a", 50_000)
    forwarding, audited = gate.client.component(Forwarding), []
    monkeypatch.setattr(forwarding.scope, "audit", lambda action, **said: audited.append((action, said["reason"])))
    while not audited:
        await forwarding.expire()

    [record] = await gate.ledger.list(Query())
    assert (record.state, gate.behind.seen, audited) == (State.FAILED, [], [("payment.expire", "not_reviewed")])


async def test_what_cannot_be_held_is_refused_for_now(make: Gates) -> None:
    gate = await make(**REVIEWS, on_review="hold", keyring=None)
    refused = await gate.pay("a", 50_000)

    assert (refused.status_code, refused.json()["code"], gate.behind.seen) == (503, "review_unavailable", [])


class Lost:
    """A recorder whose commit nobody knows of."""

    async def hold(self, exchange: Exchange, reason: str) -> Response | None:
        raise DatabaseDown


async def test_where_nobody_knows_whether_it_is_held_it_does_not_pass_on_even_if_the_filter_fails_open(
    database: Database,
) -> None:
    lent = HandScope(tables=database, operation="payment.create")
    decisions = DecisionsDesk(DecisionsConfig(), lent)
    lent.components = [decisions]
    lent.components = [decisions, Desk(DeskConfig(), lent)]
    options = {**REVIEWS, "on_review": "hold", "failure_mode": "open"}
    judge = Fraud(FraudConfig.model_validate(options), lent)
    made = exchange("POST", "/v1/payments", facts=[Payment("payment.create", 50_000, "eur")])
    made.recorder = Lost()  # type: ignore[assignment]  # of which only this is asked

    with pytest.raises(ReviewUnavailable):
        await judge.on_request(made)


@BOTH
async def test_in_shadow_all_passes_and_what_would_have_been_is_kept_and_counted_apart(make: Gates) -> None:
    gate = await make("shadow", **BLOCKS)
    enforced = await make(**BLOCKS)
    answered = await gate.pay("a", 50_000)
    ended = await gate.client.ended()

    assert answered.status_code == 200
    assert (ended.steps[-1].decision, ended.steps[-1].code) == ("would_refuse", "payment_refused")
    [kept] = (await gate.get("decisions")).json()["items"]
    [record] = await gate.ledger.list(Query())
    assert (kept["mode"], kept["decision"], kept["payment"]) == ("shadow", "block", record.id)
    assert (gate.desk.decided, enforced.desk.decided) == ({("shadow", "block"): 1}, {})
    assert gate.desk.state("shadow") is not gate.desk.state("enforce")


async def test_declines_in_a_row_raise_the_next_score(make: Gates) -> None:
    gate = await make(facts={"device": "header:x-device", "merchant": "/merchant"})
    for number in range(4):
        gate.behind.will_answer(402, json={"error": "card_declined"})
        await gate.pay(str(number), headers={"x-device": "d1"}, card={"number": "4242424242424242"})
        await gate.client.ended()

    found = (await gate.get("decisions")).json()["items"]
    assert [each["factors"].get("card_declines", 0) for each in found] == [3, 2, 1, 0]
    assert found[0]["score"] > found[-1]["score"]
    assert found[0]["factors"]["device_declines"] == 3


async def test_what_the_bank_says_of_a_payment_that_was_held_is_known_of_its_keys(make: Gates) -> None:
    gate = await make(**REVIEWS, on_review="hold")
    taken = await gate.pay("a", 50_000)
    await gate.post(f"payments/{taken.json()['id']}/approve", reason="a known customer", by="ann")
    gate.behind.will_answer(402, json={"error": "card_declined"})
    await gate.client.component(Forwarding).send()
    await gate.pay("b")

    [newest, held] = (await gate.get("decisions")).json()["items"]
    assert (held["factors"].get("customer_declines", 0), newest["factors"]["customer_declines"]) == (0, 1)


async def test_what_a_route_makes_of_an_answer_is_a_decline_in_shadow_too(make: Gates) -> None:
    declined = {"outcome": "failed", "value": {"/status": "declined"}}
    gate = await make("shadow", outcomes=[declined])
    for key in "ab":
        gate.behind.will_answer(200, json={"status": "declined"})
        await gate.pay(key)
        await gate.client.ended()

    [newest, _] = (await gate.get("decisions")).json()["items"]
    assert newest["factors"]["customer_declines"] == 1


async def test_gateways_that_share_a_store_see_each_others_payments(make: Gates, stores) -> None:
    one = await make(store=await stores())
    two = await make(store=await stores(), behind=one.behind)
    await one.pay("a")
    await two.pay("b")

    [newest, oldest] = (await one.get("decisions")).json()["items"]
    assert (oldest["factors"].get("customer_payments", 0), newest["factors"]["customer_payments"]) == (0, 1)


async def test_what_is_tried_out_in_shadow_is_not_known_where_it_is_enforced(make: Gates, stores) -> None:
    shadow = await make("shadow", store=await stores())
    enforced = await make(store=await stores(), behind=shadow.behind)
    await shadow.pay("a")
    await shadow.client.ended()
    await enforced.pay("b")

    [newest, oldest] = (await enforced.get("decisions")).json()["items"]
    assert (oldest["mode"], newest["mode"], newest["factors"].get("customer_payments", 0)) == ("shadow", "enforce", 0)


@pytest.mark.parametrize(("failure_mode", "status"), [("closed", 503), ("open", 200)])
async def test_while_its_state_is_away_it_fails_as_the_policy_says_and_lists_hold(
    make: Gates, valkey: Valkey, stores, failure_mode: str, status: int
) -> None:
    gate = await make(store=await stores(), failure_mode=failure_mode)
    listed = {"list": "block", "kind": "customer", "value": "cus_bad", "reason": "chargebacks", "by": "ann"}
    assert (await gate.post("fraud/lists", **listed)).status_code == 201
    valkey.stop()
    try:
        judged = await gate.pay("a")
        blocked = await gate.pay("b", customer="cus_bad")
    finally:
        valkey.start()

    assert (judged.status_code, blocked.status_code) == (status, 402)


async def test_nothing_personal_stands_in_what_is_kept(make: Gates, database) -> None:
    gate = await make(facts={"device": "header:x-device"})
    given = {"customer": "cus_secret", "email": "Grace.Hopper@example.com", "card": {"number": "4242424242424242"}}
    await gate.pay("a", headers={"x-device": "device-secret"}, **given)

    [row] = await database.read("SELECT keys, reasons, decided_by, factors FROM decisions")
    text = " ".join(map(str, row[:3])) + bytes(row[3]).decode("latin-1")
    for secret in ("cus_secret", "hopper", "4242424242424242", "device-secret", "127.0.0.1"):
        assert secret not in text.lower()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"review_at": 90, "block_at": 80}, "review_at (90) is above block_at (80)"),
        ({"model": "none.json"}, "No such file"),
        ({"sign_with": "env:NOWHERE"}, "NOWHERE is not set"),
        ({"rules": [{"code": "a", "when": {"amuont": "> 1"}, "then": "block"}]}, "did you mean 'amount'"),
        ({"points": [{"factor": "amuont", "above": 1, "points": 5}]}, "did you mean 'amount'"),
    ],
)
async def test_what_is_wrong_in_its_options_is_said_before_it_serves(make: Gates, options, said) -> None:
    with pytest.raises(PolicyError, match=said.replace("(", r"\(").replace(")", r"\)")):
        await make(**options)


async def test_points_of_the_policy_take_the_place_of_its_own(make: Gates) -> None:
    gate = await make(points=[{"factor": "amount", "above": 10, "points": 80}], block_at=80)

    assert [(await gate.pay(str(amount), amount)).status_code for amount in (900, 1100)] == [200, 402]
