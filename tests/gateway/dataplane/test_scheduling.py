"""What is planned with a decline, and what is not; and that of one reference one payment passes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.ledger.claims import reference_of
from gateway.ledger.records import State
from gateway.ledger.schedules import Phase
from gateway.ledger.sql import SqlLedger
from gateway.testing import Client, running_gateway
from gateway.testing.running import serve
from tests.gateway.retrying import KEYRING, Shop, ended, records, renew, retrying, run, written

LATER = "{after: [1d]}"


async def planned(ledger: SqlLedger) -> list[str]:
    return [each.payment for each in await ledger.schedules.list([Phase.WAITING], 10, None)]


async def noted(ledger: SqlLedger) -> list[Any]:
    record = (await records(ledger))[-1]
    notes: list[Any] = record.trail.get("notes", [])
    return [each.get("detail", {}).get("reason") for each in notes if each["code"] == "retry_not_scheduled"]


async def test_a_soft_decline_is_planned_with_its_outcome(ledger: SqlLedger) -> None:
    async with retrying(ledger, LATER) as (client, shop):
        shop.declines()
        with capture_logs() as said:
            declined = await renew(client, "a")
        id = declined.headers["payguard-payment-id"]  # noqa: A001
        schedule = await ledger.schedules.find(id)

    assert schedule is not None
    assert (schedule.state, schedule.code, schedule.owner, schedule.amount, schedule.currency) == (
        Phase.WAITING,
        "insufficient_funds",
        "ada",
        1999,
        "eur",
    )
    assert schedule.due_at is not None
    assert 86400 <= schedule.due_at - schedule.created_at <= 1.1 * 86400
    assert schedule.until - schedule.created_at == pytest.approx(30 * 86400)
    assert schedule.reference == reference_of("default", "ada", "payment.create", "inv_1")
    assert b"pm_1" not in (schedule.request or b"")
    assert ledger.schedules.results == {"scheduled": 1}
    assert [each["payment"] for each in said if each["event"] == "retry_scheduled"] == [id]
    [record] = await records(ledger)
    assert record.keep == 90 * 86400
    assert (record.reference, record.method) == (schedule.reference, schedule.method)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"off_session": False}, "not_merchant_initiated"),
        ({"off_session": None}, "not_merchant_initiated"),
        ({"method": None}, "no_stored_method"),
        ({"method": "4242 4242 4242 4242"}, "no_stored_method"),
        ({"method": {"id": "pm_1"}}, "no_stored_method"),
        ({"card": {"cvc": "123"}}, "security_code"),
        ({"blob": "x" * 70_000}, "not_kept"),
    ],
)
async def test_what_is_not_declared_or_may_not_be_stored_is_not_planned(ledger: SqlLedger, body, reason) -> None:
    async with retrying(ledger, LATER) as (client, shop):
        shop.declines()
        assert (await renew(client, "a", **body)).status_code == 402

        assert await planned(ledger) == []

    assert await noted(ledger) == [reason]


async def test_a_callers_own_credential_is_not_stored_unless_another_takes_its_place(ledger: SqlLedger) -> None:
    headers = {"authorization": "Bearer of-the-caller"}
    async with retrying(ledger, LATER) as (client, shop):
        client.headers.update(headers)
        shop.declines()
        await renew(client, "a")
    assert (await planned(ledger), await noted(ledger)) == ([], ["credentials_of_the_caller"])

    shop = Shop()
    async with serve(shop) as shop.url:
        policy = written(shop.url, "{after: [1ms], headers: {authorization: env:TOKEN}}")
        environ = {"TOKEN": "Bearer of-the-gateway"}
        async with running_gateway(policy=policy, ledger=ledger, keyring=KEYRING, environ=environ) as client:
            client.headers.update(headers)
            shop.declines()
            id = (await renew(client, "b", "inv_2")).headers["payguard-payment-id"]  # noqa: A001
            schedule = await ended(client, ledger, id)

    assert schedule.reason == "succeeded"
    assert [each.headers["authorization"] for each in shop.seen] == ["Bearer of-the-caller", "Bearer of-the-gateway"]


async def test_without_a_keyring_nothing_is_kept_and_nothing_planned(ledger: SqlLedger) -> None:
    async with retrying(ledger, LATER, keyring=None) as (client, shop):
        shop.declines()
        await renew(client, "a")

    assert (await planned(ledger), await noted(ledger)) == ([], ["not_kept"])


@pytest.mark.parametrize(("status", "code"), [(402, "do_not_honor"), (500, "insufficient_funds"), (201, "ok")])
async def test_only_a_decline_that_the_policy_names_is_planned(ledger: SqlLedger, status, code) -> None:
    async with retrying(ledger, LATER) as (client, shop):
        shop.will_answer(status, json={"code": code})
        await renew(client, "a")

    assert (await planned(ledger), await noted(ledger)) == ([], [])


async def test_a_request_without_a_reference_passes_and_is_not_planned(ledger: SqlLedger) -> None:
    async with retrying(ledger, LATER) as (client, shop):
        shop.declines()
        await renew(client, "a", None)
        assert (await renew(client, "b", None)).status_code == 200

    assert await planned(ledger) == []
    assert [each.reference for each in await records(ledger)] == [None, None]


@pytest.mark.parametrize("reference", ["", "x" * 256, True, 1.5, {}, ["inv"]])
async def test_a_reference_that_is_none_is_refused_with_the_pointer_to_it(ledger: SqlLedger, reference) -> None:
    async with retrying(ledger) as (client, shop):
        refused = await renew(client, "a", reference)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_payment")
    assert (refused.json()["pointer"], shop.seen) == ("/invoice", [])


async def test_a_number_is_a_reference_and_the_same_as_its_text(ledger: SqlLedger) -> None:
    async with retrying(ledger) as (client, _):
        assert (await renew(client, "a", 7)).status_code == 200
        assert (await renew(client, "b", "7")).json()["code"] == "reference_in_use"


async def test_of_many_at_once_through_two_gateways_one_passes(ledger: SqlLedger, other: SqlLedger) -> None:
    async with retrying(ledger) as (one, shop), retrying(other, shop=shop) as (two, _):
        answers = await asyncio.gather(*(renew((one, two)[n % 2], f"{n}") for n in range(20)))

    assert sorted(each.status_code for each in answers) == [200, *[409] * 19]
    assert {each.json()["code"] for each in answers if each.status_code == 409} == {"reference_in_use"}
    assert len(shop.seen) == 1


async def test_the_same_reference_of_another_caller_is_another(ledger: SqlLedger) -> None:
    async with retrying(ledger) as (client, shop):
        assert (await renew(client, "a", user="ada")).status_code == 200
        assert (await renew(client, "a", user="bob")).status_code == 200

    assert len(shop.seen) == 2


async def test_a_repeat_of_a_key_is_a_repeat_and_no_second_payment(ledger: SqlLedger) -> None:
    async with retrying(ledger) as (client, shop):
        shop.will_answer(201, json={"id": "pi_1"})
        await renew(client, "a")
        again = await renew(client, "a")

    assert (again.status_code, again.headers["idempotent-replayed"], len(shop.seen)) == (201, "true", 1)


async def test_a_payment_in_doubt_holds_its_reference_and_one_that_was_not_executed_does_not(ledger) -> None:
    async with retrying(ledger) as (client, shop):
        shop.will_answer(429, json={})
        assert (await renew(client, "a")).status_code == 429
        shop.will_answer(500, json={})
        assert (await renew(client, "b")).status_code == 500
        assert (await renew(client, "c")).json()["state"] == "in_doubt"
        refused = await renew(client, "a")

    assert (refused.status_code, refused.json()["code"]) == (409, "reference_in_use")
    assert [each.state for each in await records(ledger)] == [State.RELEASED, State.IN_DOUBT]


async def test_a_released_payment_is_executed_afresh_where_its_reference_is_free(ledger: SqlLedger) -> None:
    async with retrying(ledger) as (client, shop):
        shop.will_answer(429, json={})
        await renew(client, "a")
        assert (await renew(client, "a")).status_code == 200

    assert [each.state for each in await records(ledger)] == [State.SUCCEEDED]


async def test_a_request_without_a_key_holds_its_reference_too(ledger: SqlLedger) -> None:
    text = "- idempotency: {key: optional}"
    shop = Shop()
    async with serve(shop) as shop.url:
        policy = written(shop.url).replace("- idempotency", text)
        async with running_gateway(policy=policy, ledger=ledger, keyring=KEYRING) as client:
            assert (await keyless(client)).status_code == 200
            refused = await keyless(client)

    assert (refused.status_code, refused.json()["code"], len(shop.seen)) == (409, "reference_in_use", 1)
    assert len(await records(ledger)) == 1


async def keyless(client: Client) -> Any:
    body = {"amount": 1999, "currency": "eur", "method": "pm_1", "off_session": True, "invoice": "inv_1"}
    return await client.post("/v1/renewals", json=body, headers={"x-user-id": "ada"})


async def test_an_attempt_is_never_kept_for_later(ledger: SqlLedger) -> None:
    """It would be sent without asking whether it is still due."""
    accept = "when_unreachable: {accept: {most: 9, for: 10m, ceiling: {eur: 1000000}}}"
    shop, invoices = Shop(), Shop()
    async with serve(invoices) as invoices.url:
        async with serve(shop) as shop.url:
            policy = written(shop.url, more=accept).replace(f"{shop.url}/v1/invoices", f"{invoices.url}/v1/invoices")
            async with running_gateway(policy=policy, ledger=ledger, keyring=KEYRING) as client:
                shop.declines()
                id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
        async with running_gateway(policy=policy, ledger=ledger, keyring=KEYRING) as client:
            while len(invoices.asked_of) < 3:
                await run(client)
        schedule = await ledger.schedules.find(id)

    assert {each.state for each in (await records(ledger))[1:]} == {State.RELEASED}
    assert schedule is not None
    assert (schedule.state, schedule.declined) == (Phase.WAITING, 0)


async def test_two_soft_declines_of_one_reference_leave_one_plan(ledger: SqlLedger) -> None:
    async with retrying(ledger, LATER) as (client, shop):
        shop.declines(times=2)
        one = (await renew(client, "a")).headers["payguard-payment-id"]
        two = (await renew(client, "b")).headers["payguard-payment-id"]

        assert await planned(ledger) == [two]
        first = await ledger.schedules.find(one)

    assert first is not None
    assert first.reason == "client_attempt"
