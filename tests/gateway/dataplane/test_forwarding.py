"""What was accepted while the backend was away is executed once when it is back; over real ledgers and sockets."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict

import pytest
from structlog.testing import capture_logs

from gateway.control.forwarding import Forwarding
from gateway.crypto.keyring import LocalKeyring
from gateway.ledger.records import Query, Record, State
from gateway.ledger.sql import SqlLedger
from gateway.testing import Client
from tests.gateway.accepting import ACCEPT, accepting, pay


async def send(client: Client) -> None:
    await client.component(Forwarding).send()


async def states(ledger: SqlLedger) -> Counter[State]:
    return Counter(record.state for record in await ledger.list(Query()))


async def only(ledger: SqlLedger) -> Record:
    [listed] = await ledger.list(Query())
    record = await ledger.find(listed.id)
    assert record is not None
    return record


async def test_a_payment_is_accepted_and_executed_once_when_the_backend_is_back(ledger: SqlLedger) -> None:
    async with accepting(ledger) as (client, door):
        taken = await pay(client, "a")
        assert (taken.status_code, taken.json()["state"]) == (202, "accepted")
        where = taken.headers["location"]
        await send(client)
        assert (await states(ledger), door.seen) == ({State.ACCEPTED: 1}, [])

        await door.open()
        door.will_answer(201, json={"id": "pi_1"})
        await send(client)
        await send(client)
        told = await client.get(where, headers={"x-user-id": "ada"})
        again = await pay(client, "a")

    [sent] = door.seen
    record = await only(ledger)
    assert (sent.method, sent.target, sent.json()["order"]) == ("POST", "/v1/payments", "a")
    assert sent.headers["idempotency-key"] == record.key
    assert told.json()["state"] == "succeeded"
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (201, {"id": "pi_1"}, "true")
    assert [(each.state.value, each.by) for each in record.history][-3:] == [
        ("reserved", "drainer"),
        ("sent", "gateway"),
        ("succeeded", "gateway"),
    ]
    named, forwarded = record.trail["earlier"][-1]["filters"], record.trail["notes"]
    assert (named[0]["name"], forwarded[0]["code"]) == ("principal", "accepted_earlier")


@pytest.mark.parametrize(("status", "state"), [(402, State.FAILED), (500, State.IN_DOUBT), (202, State.PENDING)])
async def test_what_the_backend_answers_then_is_what_became_of_it(ledger, status, state) -> None:
    async with accepting(ledger) as (client, door):
        await pay(client, "a")
        await door.open()
        door.will_answer(status, json={})
        await send(client)
        await send(client)

    assert (await only(ledger)).state is state
    assert len(door.seen) == 1


async def test_what_waited_too_long_has_failed_and_is_never_sent(ledger: SqlLedger) -> None:
    async with accepting(ledger, ACCEPT.replace("10m", "1ms")) as (client, door):
        assert (await pay(client, "a")).status_code == 202
        while (await only(ledger)).state is State.ACCEPTED:
            with capture_logs() as said:
                await client.component(Forwarding).expire()
        await door.open()
        await send(client)

    record = await only(ledger)
    assert (record.state, record.reason, door.seen) == (State.FAILED, "not_sent", [])
    assert [each["event"] for each in said] == ["accepted_payment_expired"]


async def test_each_customers_payments_are_sent_in_the_order_in_which_they_came(ledger: SqlLedger) -> None:
    async with accepting(ledger) as (client, door):
        for number in range(4):
            for customer in ("cus_1", "cus_2", "cus_3"):
                await pay(client, f"{customer}-{number}", customer)
        await door.open()
        await send(client)

    sent = defaultdict(list)
    for body in door.bodies():
        sent[body["customer"]].append(body["order"])
    assert sent == {customer: [f"{customer}-{number}" for number in range(4)] for customer in sent}
    assert len(door.seen) == 12
    assert await states(ledger) == {State.SUCCEEDED: 12}


async def test_two_gateways_send_each_payment_once(ledger: SqlLedger, other: SqlLedger) -> None:
    async with accepting(ledger) as (one, door), accepting(other, door=door) as (two, _):
        for number in range(30):
            await pay(one, str(number), f"cus_{number % 10}")
        await door.open()
        await asyncio.gather(send(one), send(two))
        while (await states(ledger))[State.ACCEPTED]:
            await asyncio.gather(send(one), send(two))

    assert Counter(body["order"] for body in door.bodies()) == {str(number): 1 for number in range(30)}
    assert await states(ledger) == {State.SUCCEEDED: 30}


async def test_while_the_backend_is_away_only_the_first_is_tried(ledger: SqlLedger) -> None:
    async with accepting(ledger) as (client, _):
        for number in range(3):
            await pay(client, str(number), f"cus_{number}")
            await client.ended()
        await send(client)
        tried = await client.ended()

    records = [await ledger.find(each.id) for each in await ledger.list(Query())]
    assert await states(ledger) == {State.ACCEPTED: 3}
    assert [record.epoch for record in records if record is not None] == [1, 1, 2]
    assert (tried.route, tried.notes[0].code) == ("pay", "accepted_earlier")


async def test_what_cannot_be_opened_waits_on_and_people_are_told_once(ledger: SqlLedger) -> None:
    lost = LocalKeyring.parse("2:" + "22" * 32)
    async with accepting(ledger) as (client, door), accepting(ledger, door=door, keyring=lost) as (later, _):
        await pay(client, "a")
        await door.open()
        with capture_logs() as said:
            await send(later)
            await send(later)
        assert (await only(ledger)).state is State.ACCEPTED
        assert [each["event"] for each in said] == ["accepted_payment_unreadable"]
        await send(client)

    assert (await only(ledger)).state is State.SUCCEEDED


async def test_a_route_that_accepts_no_more_sends_no_more_and_what_waits_expires(ledger: SqlLedger) -> None:
    async with accepting(ledger, ACCEPT.replace("10m", "1ms")) as (client, door):
        await pay(client, "a")
    async with accepting(ledger, "refuse") as (client, door):
        await door.open()
        await send(client)
        while (await only(ledger)).state is State.ACCEPTED:
            await client.component(Forwarding).expire()

    assert (door.seen, (await only(ledger)).reason) == ([], "not_sent")
