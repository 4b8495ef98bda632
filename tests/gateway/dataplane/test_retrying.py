"""What was softly declined is tried again when its time has come, each attempt once; over real ledgers and sockets."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from structlog.testing import capture_logs

from gateway.crypto.keyring import LocalKeyring
from gateway.ledger.claims import attempt_of
from gateway.ledger.records import State
from gateway.ledger.schedules import Phase
from gateway.ledger.sql import SqlLedger
from tests.gateway.retrying import ended, records, renew, retrying, run

S = State


async def test_a_soft_decline_is_tried_again_until_it_is_paid(ledger: SqlLedger) -> None:
    async with retrying(ledger) as (client, shop):
        shop.declines(times=2)
        shop.will_answer(201, json={"id": "pi_1"})
        declined = await renew(client, "a")
        id = declined.headers["payguard-payment-id"]  # noqa: A001
        schedule = await ended(client, ledger, id)

    first, second, third = await records(ledger)
    assert (declined.status_code, first.id, schedule.reason) == (402, id, "succeeded")
    assert [each.state for each in (first, second, third)] == [S.FAILED, S.FAILED, S.SUCCEEDED]
    assert [(each.link_kind, each.link_id) for each in (second, third)] == [("retry_of", id)] * 2
    assert shop.keys == [first.key, attempt_of(id, 1).hex(), attempt_of(id, 2).hex()]
    assert {each.body for each in shop.seen} == {shop.seen[0].body}
    assert shop.asked_of == ["/v1/invoices/inv_1"] * 2
    assert (schedule.number, schedule.declined, schedule.request) == (2, 1, None)
    assert [(each.what, each.reason) for each in schedule.history] == [
        ("scheduled", "insufficient_funds"),
        ("attempt", second.id),
        ("declined", "insufficient_funds"),
        ("attempt", third.id),
        ("ended", "succeeded"),
    ]
    assert [each.state for each in third.history] == [S.RESERVED, S.SENT, S.SUCCEEDED]
    assert third.trail["notes"][0]["code"] == "retry"


async def test_an_attempt_is_a_payment_of_the_same_owner_and_customer(ledger: SqlLedger) -> None:
    async with retrying(ledger) as (client, shop):
        shop.declines()
        await ended(client, ledger, (await renew(client, "a")).headers["payguard-payment-id"])

    first, second = await records(ledger)
    for name in ("route", "operation", "upstream", "owner", "amount", "currency", "customer", "reference", "method"):
        assert getattr(first, name) == getattr(second, name), name
    assert second.fingerprint is None
    assert (first.request_id, first.claim) != (second.request_id, second.claim)
