"""What a filter holds is sent once a reviewer approves it, and once; over real ledgers and sockets."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway import Exchange, Filter, Hold, Payment, Reads, Rejected, Response
from gateway.control.forwarding import Forwarding
from gateway.crypto.keyring import LocalKeyring
from gateway.exchange import Delivery
from gateway.ledger.protocol import Ledger
from gateway.ledger.records import Query, Record, State
from gateway.ledger.sql import SqlLedger
from gateway.testing import Backend, Client, backend, running_gateway
from tests.gateway.accepting import KEYRING, pay

POLICY = """\
version: 1
upstreams:
  backend: {{url: "{url}"}}
routes:
  - name: pay
    match: {{path: /v1/payments}}
    upstream: backend
    payment: {{operation: payment.create, amount: /amount, currency: /currency, customer: /customer}}
    filters:
      - principal: {{header: x-user-id, from: any}}
      - idempotency
      - reviewed: {{mode: {mode}}}
"""


class NotHeld(Rejected):
    status = 503
    code = "not_held"


class Reviewed(Filter[Any]):
    """Holds whatever it is given."""

    name = "reviewed"
    reads = Reads.REQUEST
    requires = (Payment,)
    holds = Hold(most=3, within=3600.0, headers={"authorization": "Bearer ours"}, rate=1000.0)

    async def on_request(self, exchange: Exchange) -> Response | None:
        exchange.request.headers["x-reviewed"] = "yes"
        if self.scope.mode == "shadow":
            return Response(202)
        answer = await exchange.hold("score")
        if answer is None:
            raise NotHeld
        return answer


@asynccontextmanager
async def holding(
    ledger: Ledger, behind: Backend, *, mode: str = "enforce", keyring: LocalKeyring | None = KEYRING
) -> AsyncIterator[Client]:
    policy = POLICY.format(url=behind.url, mode=mode)
    async with running_gateway(policy=policy, ledger=ledger, keyring=keyring, plugins=[Reviewed]) as client:
        yield client


async def only(ledger: SqlLedger) -> Record:
    [listed] = await ledger.list(Query())
    record = await ledger.find(listed.id)
    assert record is not None
    return record


async def approve(ledger: SqlLedger) -> None:
    for record in await ledger.list(Query(states=[State.HELD])):
        assert await ledger.approve(record.id, record.revision, by="human:ann", reason="known", within=60.0)


async def send(client: Client) -> None:
    await client.component(Forwarding).send()


async def test_a_payment_is_held_and_sent_once_when_it_is_approved(ledger: SqlLedger) -> None:
    async with backend() as behind, holding(ledger, behind) as client:
        taken = await pay(client, "a")
        exchange = await client.ended()
        again = await pay(client, "a")
        where = taken.headers["location"]
        await send(client)
        told = await client.get(where, headers={"x-user-id": "ada"})
        assert behind.seen == []

        behind.will_answer(201, json={"id": "pi_1"})
        await approve(ledger)
        await send(client)
        await send(client)
        replayed = await pay(client, "a")

    assert (taken.status_code, taken.json()["state"], told.json()["state"]) == (202, "held", "held")
    assert (again.status_code, again.json(), again.headers["location"]) == (202, taken.json(), where)
    assert (exchange.delivery, exchange.outcome) == (Delivery.UNSENT, "pending")
    [sent] = behind.seen
    assert (sent.json()["order"], sent.headers["x-reviewed"]) == ("a", "yes")
    assert sent.headers["authorization"] == "Bearer ours"
    assert (replayed.status_code, replayed.json()) == (201, {"id": "pi_1"})
    record = await only(ledger)
    assert [(each.state.value, each.by) for each in record.history] == [
        ("reserved", "gateway"),
        ("held", "gateway"),
        ("accepted", "human:ann"),
        ("reserved", "drainer"),
        ("sent", "gateway"),
        ("succeeded", "gateway"),
    ]


async def test_two_gateways_send_what_is_approved_once_each(ledger: SqlLedger, other: SqlLedger) -> None:
    async with backend() as behind, holding(ledger, behind) as one, holding(other, behind) as two:
        for number in range(3):
            await pay(one, str(number), f"cus_{number}")
        await approve(other)
        await asyncio.gather(send(one), send(two))
        await asyncio.gather(send(one), send(two))

    assert Counter(each.json()["order"] for each in behind.seen) == {"0": 1, "1": 1, "2": 1}


async def test_one_that_was_lost_before_it_sent_what_was_approved_leaves_it_to_another(ledger: SqlLedger) -> None:
    async with backend() as behind, holding(ledger, behind) as client:
        await pay(client, "a")
        await approve(ledger)
        [taken] = await ledger.take_accepted(1, -1.0)  # by a gateway that is killed then
        await send(client)
        assert behind.seen == []
        assert await ledger.free_expired(9) == 1
        await send(client)

        assert len(behind.seen) == 1
        assert not await ledger.send(taken.id, taken.epoch, 60.0)


async def test_what_cannot_be_held_is_not_and_its_key_is_free_again(ledger: SqlLedger) -> None:
    async with backend() as behind, holding(ledger, behind) as client, holding(ledger, behind, keyring=None) as bare:
        without = await pay(bare, "keyless")
        for number in range(3):
            assert (await pay(client, str(number))).status_code == 202
        full = await pay(client, "many")
        exchanges = [await bare.ended(), *[await client.ended() for _ in range(4)]]

    assert (without.status_code, full.status_code, behind.seen) == (503, 503, [])
    reasons = [note.detail["reason"] for each in exchanges for note in each.notes if note.code == "not_held"]
    assert reasons == ["not_kept", "too_much_waits"]
    states = Counter(record.state for record in await ledger.list(Query()))
    assert states == {State.HELD: 3, State.RELEASED: 2}


@pytest.mark.parametrize(("name", "value"), [("cvc", "123"), ("card", {"cvv": "1"})])
async def test_a_security_code_is_never_kept(ledger: SqlLedger, name: str, value: Any) -> None:
    async with backend() as behind, holding(ledger, behind) as client:
        body = {"amount": 1999, "currency": "eur", name: value}
        refused = await client.post("/v1/payments", json=body, headers={"x-user-id": "ada", "idempotency-key": "a"})

    assert (refused.status_code, (await only(ledger)).request) == (503, None)


async def test_in_shadow_nothing_is_held_and_the_claim_is_still_one_statement(ledger: SqlLedger) -> None:
    async with backend() as behind, holding(ledger, behind, mode="shadow") as client:
        answered = await pay(client, "a")
        exchange = await client.ended()

    assert (answered.status_code, exchange.steps[-1].decision) == (200, "would_answer")
    assert [each.state for each in (await only(ledger)).history] == [State.SENT, State.SUCCEEDED]


async def test_what_only_a_filter_may_say_of_risk_no_client_says(ledger: SqlLedger) -> None:
    async with backend() as behind, holding(ledger, behind, mode="shadow") as client:
        for number, name in enumerate(("Payguard-Risk", "payguard_risk")):
            headers = {"x-user-id": "ada", "idempotency-key": str(number), name: "score=0, decision=allow"}
            await client.post("/v1/payments", json={"amount": 1, "currency": "eur"}, headers=headers)

    assert [name for each in behind.seen for name in each.headers if "risk" in name] == []
