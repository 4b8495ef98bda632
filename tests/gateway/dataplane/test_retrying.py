"""What was softly declined is tried again when its time has come, each attempt once; over real ledgers and sockets."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
from structlog.testing import capture_logs

from gateway.crypto.keyring import LocalKeyring
from gateway.dataplane.retrying import ELSEWHERE, Pace, Retrier
from gateway.dataplane.still_due import Said, StillDue
from gateway.ids import payment_id
from gateway.ledger.claims import attempt_of
from gateway.ledger.records import Entry, Record, Settlement, State
from gateway.ledger.schedules import Caps, Phase
from gateway.ledger.settling import Backoff
from gateway.ledger.sql import SqlLedger
from gateway.testing import running_gateway
from tests.gateway.retrying import KEYRING, ended, records, renew, retrying, run, written

S = State


def entry_of(first: Record, number: int) -> Entry:
    """What the gateway makes of an attempt of this payment."""
    return Entry(
        payment_id(),
        first.route,
        first.operation,
        first.upstream,
        "request",
        "trace",
        first.policy,
        first.keep,
        first.owner,
        attempt_of(first.id, number),
        link_kind="retry_of",
        link_id=first.id,
    )


async def made_by_hand(ledger: SqlLedger, first: Record) -> Entry:
    """A client's own payment of the same reference that has failed, and of which nothing else was written."""
    own = entry_of(first, 99)._replace(link_kind=None, link_id=None, reference=first.reference, method=first.method)
    assert await ledger.begin(own, 10.0)
    assert await ledger.settle(own.id, 1, Settlement(S.FAILED, "", "answered", 1))
    return own


async def due(ledger: SqlLedger, payment: str) -> None:
    """Now, whatever its plan says."""
    await ledger._database.write("UPDATE retries SET due_at = 1 WHERE payment = $1 RETURNING $1", payment)


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
    assert shop.seen[1].headers["x-request-id"] == second.request_id
    assert shop.seen[1].headers["traceparent"].split("-")[1] == second.trace_id
    assert (first.request_id, first.claim) != (second.request_id, second.claim)


async def test_the_last_soft_decline_of_the_plan_is_the_end(ledger: SqlLedger) -> None:
    async with retrying(ledger, "{after: [1ms, 1ms]}") as (client, shop):
        shop.declines(times=9)
        schedule = await ended(client, ledger, (await renew(client, "a")).headers["payguard-payment-id"])

    assert (schedule.reason, schedule.number, len(shop.seen)) == ("exhausted", 2, 3)


@pytest.mark.parametrize(
    ("code", "members", "reason"),
    [
        ("stolen_card", {}, "declined_for_good"),
        ("insufficient_funds", {"network_decline_code": "R1"}, "declined_for_good"),
        ("account_frozen", {}, "declined_for_good"),
        ("generic_decline", {}, "declined"),
    ],
)
async def test_an_attempt_that_is_declined_otherwise_is_the_last(ledger, code, members, reason) -> None:
    async with retrying(ledger) as (client, shop):
        shop.declines()
        shop.declines(code, **members)
        schedule = await ended(client, ledger, (await renew(client, "a")).headers["payguard-payment-id"])

    assert (schedule.reason, schedule.number, len(shop.seen)) == (reason, 1, 2)


async def test_a_card_that_is_declined_for_good_is_not_tried_again_for_anything(ledger: SqlLedger) -> None:
    async with retrying(ledger) as (client, shop):
        shop.declines(times=2)
        one = (await renew(client, "a", "inv_1")).headers["payguard-payment-id"]
        two = (await renew(client, "b", "inv_2", method="pm_2")).headers["payguard-payment-id"]
        shop.declines("lost_card")
        await renew(client, "c", "inv_3")
        schedule = await ledger.schedules.find(one)
        assert schedule is not None
        assert (schedule.state, schedule.reason) == (Phase.ENDED, "declined_for_good")
        await ended(client, ledger, two)

    assert [each.json()["method"] for each in shop.seen] == ["pm_1", "pm_2", "pm_1", "pm_2"]


async def test_before_each_attempt_it_is_asked_whether_it_is_still_due(ledger: SqlLedger) -> None:
    async with retrying(ledger) as (client, shop):
        shop.declines()
        shop.says.extend(["draft", 500, "paid"])
        schedule = await ended(client, ledger, (await renew(client, "a")).headers["payguard-payment-id"])

    assert (schedule.reason, schedule.number, len(shop.seen), len(shop.asked_of)) == ("not_due", 0, 1, 3)


async def test_a_client_that_tries_by_itself_ends_the_schedule(ledger: SqlLedger) -> None:
    async with retrying(ledger) as (client, shop):
        shop.declines()
        id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
        shop.will_answer(201, json={})
        assert (await renew(client, "b")).status_code == 201
        schedule = await ledger.schedules.find(id)
        await run(client)

    assert schedule is not None
    assert (schedule.state, schedule.reason, len(shop.seen)) == (Phase.ENDED, "client_attempt", 2)


async def test_a_clients_own_attempt_ends_it_also_where_only_its_payment_was_committed(ledger: SqlLedger) -> None:
    """As where a crash took along what goes with its outcome."""
    async with retrying(ledger, "{after: [1s]}") as (client, shop):
        shop.declines()
        id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
        [first] = await records(ledger)
        own = (await made_by_hand(ledger, first)).id
        await ledger._database.write("UPDATE retries SET due_at = 0 WHERE payment = $1 RETURNING $1", id)
        await run(client)
        schedule = await ledger.schedules.find(id)

    assert schedule is not None
    assert (schedule.reason, schedule.number, own != id, len(shop.seen)) == ("client_attempt", 0, True, 1)


async def test_while_an_attempt_is_open_the_clients_own_is_refused_and_told_which_it_is(ledger: SqlLedger) -> None:
    async with retrying(ledger) as (client, shop):
        shop.declines()
        id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
        await shop.asked()
        go = asyncio.Event()
        shop.will_answer(201, after=go)
        running = asyncio.create_task(ended(client, ledger, id))
        await shop.asked()
        refused = await renew(client, "b")
        repeated = await renew(client, "a")
        go.set()
        await running
        paid = await renew(client, "c")

    _, attempt = await records(ledger)
    assert (refused.status_code, refused.json()["code"]) == (409, "reference_in_use")
    assert (refused.json()["payment_id"], refused.json()["state"]) == (attempt.id, "sent")
    assert refused.headers["location"] == f"/.payguard/payments/{attempt.id}"
    assert (repeated.status_code, repeated.headers["idempotent-replayed"]) == (402, "true")
    assert (paid.json()["payment_id"], paid.json()["state"]) == (attempt.id, "succeeded")
    assert len(shop.seen) == 2


@pytest.mark.parametrize(
    ("state", "reason", "became"),
    [
        (S.SUCCEEDED, "confirmed", "succeeded"),
        (S.FAILED, "confirmed", "declined"),
        (S.FAILED, "not_executed", "succeeded"),
        (S.RELEASED, "never", "succeeded"),
    ],
)
async def test_an_attempt_whose_answer_is_lost_is_followed_by_no_other_until_it_is_settled(
    ledger, state, reason, became
) -> None:
    async with retrying(ledger) as (client, shop):
        shop.declines()
        shop.will_answer(500, json={})
        id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
        while len(shop.seen) < 2:
            await run(client)
        await due(ledger, id)
        for _ in range(3):
            await run(client)
        assert len(shop.seen) == 2
        attempt = (await records(ledger))[-1]
        assert attempt.state is S.IN_DOUBT
        assert await ledger.resolve(attempt.id, attempt.revision, state, by="status_url", reason=reason)
        shop.will_answer(201, json={})
        await due(ledger, id)
        schedule = await ended(client, ledger, id)

    assert schedule.reason == became
    assert len(shop.seen) == (2 if reason == "confirmed" else 3)


async def test_two_gateways_make_one_attempt(ledger: SqlLedger, other: SqlLedger) -> None:
    async with retrying(ledger) as (one, shop), retrying(other, shop=shop) as (two, _):
        shop.declines(times=20)
        for number in range(20):
            await renew((one, two)[number % 2], f"{number}", f"inv_{number}", method=f"pm_{number}")
        while (await ledger.schedules.counts())[Phase.WAITING]:
            await asyncio.gather(run(one), run(two), run(one), run(two))

    assert Counter(each.json()["invoice"] for each in shop.seen) == {f"inv_{number}": 2 for number in range(20)}
    assert Counter(each.state for each in await records(ledger)) == {S.FAILED: 20, S.SUCCEEDED: 20}


async def test_caps_of_a_card_hold_across_references_and_gateways(ledger: SqlLedger, other: SqlLedger) -> None:
    options = "{after: [1ms, 1ms, 1ms, 1ms], most_per_card: 6}"
    async with retrying(ledger, options) as (one, shop), retrying(other, options, shop=shop) as (two, _):
        shop.declines(times=50)
        with capture_logs() as said:
            for number in range(3):
                await renew((one, two)[number % 2], f"{number}", f"inv_{number}")
            while (await ledger.schedules.counts())[Phase.WAITING]:
                await asyncio.gather(run(one), run(two))

    assert len(shop.seen) == 6
    schedules = await ledger.schedules.list([Phase.ENDED], 10, None)
    assert {each.reason for each in schedules} == {"capped"}
    assert [each["event"] for each in said].count("retry_capped") == 3


async def test_caps_of_a_reference_count_the_clients_own(ledger: SqlLedger) -> None:
    async with retrying(ledger, "{after: [1ms, 1ms], most_per_reference: 3}") as (client, shop):
        shop.declines(times=9)
        await renew(client, "a", method="pm_1")
        id = (await renew(client, "b", method="pm_2")).headers["payguard-payment-id"]  # noqa: A001
        schedule = await ended(client, ledger, id)

    assert (schedule.reason, len(shop.seen)) == ("capped", 3)


async def test_caps_of_a_card_count_what_names_no_reference_as_well(ledger: SqlLedger) -> None:
    async with retrying(ledger, "{after: [1ms], most_per_card: 3}") as (client, shop):
        shop.declines(times=9)
        for key in "abc":
            assert (await renew(client, key, invoice=None)).status_code == 402
        id = (await renew(client, "d")).headers["payguard-payment-id"]  # noqa: A001
        schedule = await ended(client, ledger, id)

    assert (schedule.reason, len(shop.seen)) == ("capped", 4)


async def test_a_gateway_that_was_lost_between_plan_and_attempt_costs_no_attempt(ledger, other) -> None:
    async with retrying(ledger) as (client, shop):
        shop.declines()
        id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
        await due(ledger, id)
        [taken] = await other.schedules.take(10, 0.0)
        assert await other.schedules.begin(taken, "lost", 0.0)
        shop.will_answer(201, json={})
        schedule = await ended(client, ledger, id)

    assert (schedule.reason, len(shop.seen)) == ("succeeded", 2)
    assert [(each.what, each.reason) for each in schedule.history][1:3] == [
        ("attempt", "lost"),
        ("not_executed", "not_begun"),
    ]
    assert shop.keys[-1] == attempt_of(id, 2).hex()


async def test_a_gateway_that_was_lost_before_it_sent_an_attempt_leaves_one_that_is_released(ledger, other) -> None:
    async with retrying(ledger) as (client, shop):
        shop.declines()
        id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
        await due(ledger, id)
        [taken] = await other.schedules.take(10, 0.0)
        [first] = await records(ledger)
        made = entry_of(first, taken.number + 1)
        assert await other.schedules.begin(taken, made.id, 0.0)
        assert await other.schedules.attempt(made, taken.epoch, -1.0, Caps(9, 9))
        await run(client)
        assert len(shop.seen) == 1
        assert await ledger.free_expired(10) == 1
        schedule = await ended(client, ledger, id)

    assert (schedule.reason, schedule.number, len(shop.seen)) == ("succeeded", 2, 2)


async def test_what_cannot_be_opened_waits_and_people_are_told(ledger: SqlLedger) -> None:
    lost = LocalKeyring.parse("2:" + "22" * 32)
    async with retrying(ledger) as (client, shop), retrying(ledger, shop=shop, keyring=lost) as (later, _):
        shop.declines()
        id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
        await due(ledger, id)
        with capture_logs() as said:
            await run(later)
        assert "retry_unreadable" in {each["event"] for each in said}
        assert len(shop.seen) == 1
        schedule = await ended(client, ledger, id)

    assert (schedule.reason, len(shop.seen)) == ("succeeded", 2)


async def test_a_route_that_declares_it_no_more_tries_nothing_and_its_schedules_expire(ledger: SqlLedger) -> None:
    async with retrying(ledger, "{after: [1ms], for: 200ms}") as (client, shop):
        shop.declines()
        id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
    async with retrying(ledger, more="outcomes: [{status: 299, outcome: failed}]", shop=shop) as (client, _):
        await ledger._database.write("UPDATE retries SET route = 'gone' WHERE payment = $1 RETURNING $1", id)
        schedule = await ended(client, ledger, id)

    assert (schedule.reason, schedule.number, len(shop.seen)) == ("expired", 0, 1)


async def test_what_another_gateway_has_the_route_of_is_due_again_soon_however_often_it_was_missed(
    ledger: SqlLedger,
) -> None:
    async with retrying(ledger, "{after: [1d]}") as (client, shop):
        shop.declines()
        id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
    await ledger._database.write("UPDATE retries SET due_at = 1, missed = 20 WHERE payment = $1 RETURNING $1", id)
    hours = Backoff(1e9, 1e9)

    assert await Retrier(ledger, lambda *_, **__: None, Pace(100.0, 1.0, hours)).run([], []) == 0
    left = await ledger.schedules.find(id)
    assert left is not None
    assert 0 < left.due_at - time.time() <= ELSEWHERE


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("reference: /invoice", "reference: /off_session"),
        ("reference: /invoice", "reference: /customer"),
        ("reference: /invoice", "reference: /amount"),
        ("operation: payment.create", "operation: renewal.create"),
    ],
)
async def test_a_route_that_reads_another_reference_by_now_neither_asks_nor_tries(ledger, was, now) -> None:
    async with retrying(ledger) as (client, shop):
        shop.declines()
        id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
        changed = written(shop.url).replace(was, now)
        async with running_gateway(policy=changed, ledger=ledger, keyring=KEYRING) as later:
            await due(ledger, id)
            await run(later)
            assert (shop.asked_of, len(shop.seen)) == ([], 1)
        schedule = await ended(client, ledger, id)

    assert (schedule.reason, schedule.missed, len(shop.seen)) == ("succeeded", 1, 2)


async def test_a_schedule_that_is_cancelled_makes_no_attempt(ledger: SqlLedger) -> None:
    async with retrying(ledger) as (client, shop):
        shop.declines()
        id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
        assert await ledger.schedules.cancel(id, by="human:ada via loopback", reason="paid in cash")
        await run(client)
        schedule = await ledger.schedules.find(id)

    assert schedule is not None
    assert (schedule.reason, len(shop.seen)) == ("cancelled", 1)
    assert (schedule.history[-1].by, schedule.history[-1].reason) == ("human:ada via loopback", "paid in cash")


async def test_one_that_is_cancelled_with_an_attempt_open_makes_no_other(ledger: SqlLedger) -> None:
    async with retrying(ledger) as (client, shop):
        shop.declines(times=1)
        id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
        await shop.asked()
        go = asyncio.Event()
        shop.will_answer(402, json={"code": "insufficient_funds"}, after=go)
        running = asyncio.create_task(ended(client, ledger, id))
        await shop.asked()
        assert await ledger.schedules.cancel(id, by="human:ada", reason="enough")
        assert not await ledger.schedules.cancel(id, by="human:ada", reason="enough")
        go.set()
        schedule = await running

    assert (schedule.reason, len(shop.seen)) == ("cancelled", 2)


async def test_an_attempt_that_could_not_be_sent_counts_for_nothing(ledger: SqlLedger) -> None:
    accept = "when_unreachable: {accept: {most: 9, for: 10m, ceiling: {eur: 1000000}}}"
    async with retrying(ledger, more=accept) as (client, shop):
        shop.declines()
        shop.will_answer(429, json={})
        id = (await renew(client, "a")).headers["payguard-payment-id"]  # noqa: A001
        schedule = await ended(client, ledger, id)

    assert (schedule.reason, schedule.number, schedule.declined) == ("succeeded", 2, 0)
    assert [each.state for each in await records(ledger)] == [S.FAILED, S.RELEASED, S.SUCCEEDED]


async def test_one_that_cannot_be_tried_costs_the_others_nothing(ledger: SqlLedger, monkeypatch) -> None:
    ask = StillDue.ask

    async def failing(self: StillDue, record: Record, reference: str) -> tuple[Said, str]:
        if reference == "inv_1":
            raise RuntimeError("a bug")
        return await ask(self, record, reference)

    monkeypatch.setattr(StillDue, "ask", failing)
    async with retrying(ledger, "{after: [1ms]}") as (client, shop):
        shop.declines(times=2)
        bad = (await renew(client, "a", "inv_1")).headers["payguard-payment-id"]
        good = (await renew(client, "b", "inv_2")).headers["payguard-payment-id"]
        schedule = await ended(client, ledger, good)
        left = await ledger.schedules.find(bad)

    assert schedule.reason == "succeeded"
    assert left is not None
    assert (left.state, left.number) == (Phase.WAITING, 0)
