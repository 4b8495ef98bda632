"""What schedules do, over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.ledger.records import Query, Record, Settlement, State
from gateway.ledger.schedules import Caps, Phase, Schedule
from gateway.ledger.sql import SqlLedger
from tests.gateway.planning import (
    ANY,
    LONG,
    NOW,
    attempt,
    attempting,
    declined,
    entry,
    plan,
    planned,
    there,
)

# planning


async def test_a_plan_is_a_schedule(ledger: SqlLedger) -> None:
    made = await planned(ledger, 100.0, 500.0)

    found = await there(ledger, made.id)
    assert (found.state, found.reason, found.epoch, found.number) == (Phase.WAITING, "", 1, 0)
    assert (found.declined, found.missed, found.attempt, found.ended_at) == (0, 0, None, None)
    assert (found.route, found.owner, found.reference, found.method) == ("renew", "ada", made.reference, made.method)
    assert (found.amount, found.currency, found.code) == (1999, "eur", "insufficient_funds")
    assert found.due_at == pytest.approx(found.created_at + 100)
    assert found.until == pytest.approx(found.created_at + 500)
    assert found.request == b"sealed"
    assert [(each.what, each.by, each.reason) for each in found.history] == [
        ("scheduled", "gateway", "insufficient_funds")
    ]


async def test_of_one_payment_and_of_one_reference_there_is_one_that_has_not_ended(ledger: SqlLedger) -> None:
    made = await planned(ledger)
    second = await declined(ledger, reference=made.reference)

    assert not await ledger.schedules.add(plan(made), NOW, LONG)
    assert not await ledger.schedules.add(plan(second), NOW, LONG)
    assert await ledger.schedules.displace(made.reference or b"", second.id, "client_attempt")
    assert await ledger.schedules.add(plan(second), NOW, LONG)


async def test_what_is_displaced_and_planned_in_one_turn_is_in_order(ledger: SqlLedger) -> None:
    made = await planned(ledger)
    second = await declined(ledger, reference=made.reference)
    reference = made.reference or b""

    changes = (
        ledger.schedules.displace(reference, second.id, "client_attempt"),
        ledger.schedules.add(plan(second), NOW, LONG),
    )

    assert [await each for each in changes] == [True, True]
    assert (await there(ledger, made.id)).reason == "client_attempt"
    assert (await there(ledger, second.id)).state is Phase.WAITING


# stopping


Stop = Callable[[SqlLedger, Any], Awaitable[bool]]
STOPS: dict[str, Stop] = {
    "client_attempt": lambda ledger, made: ledger.schedules.displace(made.reference, "other", "client_attempt"),
    "declined_for_good": lambda ledger, made: ledger.schedules.condemn(made.method, "other", "declined_for_good"),
    "cancelled": lambda ledger, made: ledger.schedules.cancel(made.id, by='human:"ada"', reason='enough "\n\0'),
}


@pytest.mark.parametrize("reason", STOPS)
async def test_one_that_waits_has_ended_and_keeps_no_request(ledger: SqlLedger, reason: str) -> None:
    made = await planned(ledger)

    assert await STOPS[reason](ledger, made)
    assert not await STOPS[reason](ledger, made)

    found = await there(ledger, made.id)
    assert (found.state, found.reason, found.due_at, found.request) == (Phase.ENDED, reason, None, None)
    assert found.ended_at is not None
    assert await ledger.schedules.take(9, LONG) == []
    assert found.history[-1].what == "stopped"


@pytest.mark.parametrize("reason", STOPS)
async def test_one_with_an_open_attempt_ends_with_it(ledger: SqlLedger, reason: str) -> None:
    first, made = await attempting(ledger)

    assert await STOPS[reason](ledger, first)
    assert (await there(ledger, first.id)).state is Phase.ATTEMPTING
    assert await ledger.schedules.again(first.id, made.id, NOW, "insufficient_funds")

    found = await there(ledger, first.id)
    assert (found.state, found.reason, found.due_at, found.request) == (Phase.ENDED, reason, None, None)


async def test_a_schedule_is_not_stopped_by_its_own_payment(ledger: SqlLedger) -> None:
    made = await planned(ledger)

    assert not await ledger.schedules.displace(made.reference or b"", made.id, "client_attempt")
    assert not await ledger.schedules.condemn(made.method or b"", made.id, "declined_for_good")


async def test_who_cancelled_it_is_kept_as_they_wrote_it(ledger: SqlLedger) -> None:
    made = await planned(ledger)
    await STOPS["cancelled"](ledger, made)

    last = (await there(ledger, made.id)).history[-1]
    assert (last.by, last.reason) == ('human:"ada"', 'enough "\n\ufffd')


# attempts


async def test_what_is_due_is_taken_by_one_in_a_new_epoch(ledger: SqlLedger, other: SqlLedger) -> None:
    made = [(await planned(ledger)).id for _ in range(10)]
    await planned(ledger, LONG)

    taken = await asyncio.gather(*((ledger, other)[n % 2].schedules.take(3, LONG) for n in range(8)))

    assert sorted(each.payment for some in taken for each in some) == sorted(made)
    assert {each.epoch for some in taken for each in some} == {2}
    assert {each.request for some in taken for each in some} == {b"sealed"}


async def test_an_attempt_is_recorded_reserved_and_linked(ledger: SqlLedger) -> None:
    first, made = await attempting(ledger)

    record, found = await ledger.find(made.id), await there(ledger, first.id)
    assert record is not None
    assert (record.state, record.epoch, record.link_kind, record.link_id) == (State.RESERVED, 1, "retry_of", first.id)
    assert (record.reference, record.method, record.claim) == (first.reference, first.method, made.claim)
    assert (found.state, found.number, found.attempt) == (Phase.ATTEMPTING, 1, made.id)
    assert await ledger.linked(first.id) == [await shortened(ledger, made.id)]
    assert await ledger.send(made.id, 1, LONG)


async def shortened(ledger: SqlLedger, id: str) -> Record:  # noqa: A002
    return next(each for each in await ledger.list(Query()) if each.id == id)


async def test_only_whoever_took_it_begins_and_only_once(ledger: SqlLedger) -> None:
    made = await planned(ledger)
    [stale] = await ledger.schedules.take(9, NOW)
    [taken] = await ledger.schedules.take(9, LONG)

    assert not await ledger.schedules.begin(stale, "a", LONG)
    assert await ledger.schedules.begin(taken, "b", LONG)
    assert not await ledger.schedules.begin(taken, "c", LONG)
    assert (await there(ledger, made.id)).attempt == "b"


async def test_none_begins_once_a_client_has_tried(ledger: SqlLedger) -> None:
    made = await planned(ledger)
    [taken] = await ledger.schedules.take(9, LONG)
    await declined(ledger, reference=made.reference)

    assert not await ledger.schedules.begin(taken, "a", LONG)


async def test_a_clients_try_that_was_not_executed_is_none(ledger: SqlLedger) -> None:
    made = await planned(ledger)
    [taken] = await ledger.schedules.take(9, LONG)
    own = entry(reference=made.reference)
    await ledger.begin(own, LONG)
    await ledger.settle(own.id, 1, Settlement(State.RELEASED, "", "unsent", 0))

    assert await ledger.schedules.begin(taken, "a", LONG)


@pytest.mark.parametrize("wrong", ["epoch", "stopped", "another", "reference", "claim"])
async def test_no_attempt_is_recorded_where_anything_has_changed(ledger: SqlLedger, wrong: str) -> None:
    first = await planned(ledger)
    [taken] = await ledger.schedules.take(9, LONG)
    made = attempt(first)
    assert await ledger.schedules.begin(taken, made.id, LONG)
    epoch = taken.epoch
    match wrong:
        case "epoch":
            epoch -= 1
        case "stopped":
            assert await ledger.schedules.cancel(first.id, by="human", reason="no")
        case "another":
            made = attempt(first)
        case "reference":
            assert await ledger.begin(entry(reference=first.reference), LONG)
        case "claim":
            assert await ledger.begin(entry(claim=made.claim), LONG)

    assert not await ledger.schedules.attempt(made, epoch, LONG, ANY)
    assert await ledger.find(made.id) is None


async def test_caps_count_what_was_declined_or_may_be_and_not_what_succeeded_or_was_not_sent(ledger) -> None:
    first = await planned(ledger)
    for state in (State.FAILED, State.SUCCEEDED, State.RELEASED, None):
        made = entry(method=first.method)
        await ledger.begin(made, LONG)
        if state is not None:
            await ledger.settle(made.id, 1, Settlement(state, "", "answered", 1))
    [taken] = await ledger.schedules.take(9, LONG)
    made = attempt(first)
    await ledger.schedules.begin(taken, made.id, LONG)

    assert await ledger.schedules.counted(taken) == Caps(1, 3)
    assert not await ledger.schedules.attempt(made, taken.epoch, LONG, Caps(1, 9))
    assert not await ledger.schedules.attempt(made, taken.epoch, LONG, Caps(9, 3))
    assert await ledger.schedules.attempt(made, taken.epoch, LONG, Caps(2, 4))
    assert await ledger.schedules.counted(taken) == Caps(2, 4)


async def test_what_is_older_than_30_days_does_not_count(ledger: SqlLedger) -> None:
    first = await planned(ledger)
    old = "UPDATE payments SET created_at = created_at - 2592001 WHERE id = $1 RETURNING $1"
    await ledger._database.write(old, first.id)
    [taken] = await ledger.schedules.take(9, LONG)

    assert await ledger.schedules.counted(taken) == Caps(0, 0)


async def test_caps_are_exact_however_many_gateways_count(ledger: SqlLedger, other: SqlLedger) -> None:
    method = b"m" * 32
    for _ in range(10):
        await planned(ledger, method=method)
    taken = await ledger.schedules.take(99, LONG)

    async def tried(number: int, schedule: Schedule) -> bool:
        one = (ledger, other)[number % 2]
        first = await ledger.find(schedule.payment)
        assert first is not None
        made = attempt(entry(id=first.id))
        assert await one.schedules.begin(schedule, made.id, LONG)
        return await one.schedules.attempt(made, schedule.epoch, LONG, Caps(99, 14))

    assert sum(await asyncio.gather(*(tried(n, each) for n, each in enumerate(taken)))) == 4


# what became of them


async def test_a_soft_decline_waits_again(ledger: SqlLedger) -> None:
    first, made = await attempting(ledger)

    assert await ledger.schedules.again(first.id, made.id, 100.0, "processing_error")
    assert not await ledger.schedules.again(first.id, made.id, 100.0, "processing_error")

    found = await there(ledger, first.id)
    assert (found.state, found.code, found.number, found.declined, found.missed) == (
        Phase.WAITING,
        "processing_error",
        1,
        1,
        0,
    )
    assert found.due_at is not None
    assert found.due_at > found.created_at + 90
    assert found.request == b"sealed"


async def test_what_was_not_executed_counts_as_missed_and_not_as_declined(ledger: SqlLedger) -> None:
    first, made = await attempting(ledger)

    assert await ledger.schedules.again(first.id, made.id, NOW, None, "upstream_unreachable")

    found = await there(ledger, first.id)
    assert (found.state, found.code, found.declined, found.missed) == (Phase.WAITING, "insufficient_funds", 0, 1)
    assert (found.history[-1].what, found.history[-1].reason) == ("not_executed", "upstream_unreachable")


@pytest.mark.parametrize("code", ["processing_error", None])
async def test_what_would_wait_beyond_its_time_has_expired(ledger: SqlLedger, code: str | None) -> None:
    first, made = await attempting(ledger)

    assert await ledger.schedules.again(first.id, made.id, 2 * LONG, code)

    found = await there(ledger, first.id)
    assert (found.state, found.reason, found.due_at, found.request) == (Phase.ENDED, "expired", None, None)


async def test_the_last_attempt_ends_it_and_no_other_does(ledger: SqlLedger) -> None:
    first, made = await attempting(ledger)

    assert not await ledger.schedules.end(first.id, "other", "succeeded")
    assert await ledger.schedules.end(first.id, made.id, "succeeded")
    assert not await ledger.schedules.end(first.id, made.id, "declined")
    assert (await there(ledger, first.id)).reason == "succeeded"


async def test_whoever_took_it_up_may_give_it_up_or_put_it_off(ledger: SqlLedger) -> None:
    made = await planned(ledger)
    [stale] = await ledger.schedules.take(9, NOW)
    [taken] = await ledger.schedules.take(9, NOW)

    assert not await ledger.schedules.postpone(stale, LONG)
    assert not await ledger.schedules.give_up(stale, "not_due")
    assert await ledger.schedules.postpone(taken, LONG)
    assert await ledger.schedules.take(9, LONG) == []
    assert (await there(ledger, made.id)).missed == 1
    assert await ledger.schedules.give_up(taken, "not_due")
    assert (await there(ledger, made.id)).reason == "not_due"


async def test_what_waits_beyond_its_time_expires_and_what_is_open_does_not(ledger: SqlLedger) -> None:
    open_, _ = await attempting(ledger, lease=NOW)
    over, waits = await planned(ledger, within=NOW), await planned(ledger)
    await ledger._database.write("UPDATE retries SET until_at = 0 WHERE payment = $1 RETURNING $1", open_.id)

    assert await ledger.schedules.expire(9) == [over.id]
    assert await ledger.schedules.expire(9) == []
    assert (await there(ledger, over.id)).reason == "expired"
    assert [(await there(ledger, each.id)).state for each in (waits, open_)] == [Phase.WAITING, Phase.ATTEMPTING]


# looking


async def test_those_that_have_not_ended_are_counted_and_listed(ledger: SqlLedger) -> None:
    over, waits = await planned(ledger), await planned(ledger, LONG)
    open_, _ = await attempting(ledger)
    await ledger.schedules.cancel(over.id, by="human", reason="no")

    async def listed(*states: Phase, limit: int = 9, cursor: str | None = None) -> list[str]:
        return [each.payment for each in await ledger.schedules.list(states, limit, cursor)]

    assert await ledger.schedules.counts() == {Phase.WAITING: 1, Phase.ATTEMPTING: 1}
    assert await listed(Phase.WAITING, Phase.ATTEMPTING) == [open_.id, waits.id]
    assert await listed(Phase.WAITING, Phase.ATTEMPTING, limit=1) == [open_.id]
    assert await listed(Phase.WAITING, Phase.ATTEMPTING, cursor=open_.id) == [waits.id]
    assert await listed(Phase.ENDED) == [over.id]
    assert await ledger.schedules.find("nothing") is None


async def test_what_was_written_is_counted_by_what_it_was(ledger: SqlLedger) -> None:
    first, made = await attempting(ledger)
    await ledger.schedules.again(first.id, made.id, NOW, "processing_error")
    [taken] = await ledger.schedules.take(9, LONG)
    await ledger.schedules.postpone(taken, NOW)
    await ledger.schedules.cancel(first.id, by="human", reason="no")
    await ledger.schedules.cancel(first.id, by="human", reason="no")

    assert ledger.schedules.results == {
        "scheduled": 1,
        "begun": 1,
        "attempted": 1,
        "declined": 1,
        "postponed": 1,
        "cancelled": 1,
    }


# keeping


async def test_a_payment_stays_as_long_as_a_schedule_or_another_payment_names_it(ledger: SqlLedger) -> None:
    """Whatever its own time says."""
    first, made = await attempting(ledger, keep=NOW)
    assert await ledger.prune(9) == 0
    await ledger.schedules.end(first.id, made.id, "succeeded")
    assert await ledger.prune(9) == 0
    await ledger._database.write("UPDATE retries SET gone_at = 0 WHERE payment = $1 RETURNING $1", first.id)
    assert await ledger.schedules.prune(9) == 1
    assert await ledger.prune(9) == 0
    await ledger.send(made.id, 1, LONG)
    await ledger.settle(made.id, 1, Settlement(State.SUCCEEDED, "", "answered", 1))
    assert await ledger.prune(9) == 1
    assert await ledger.find(first.id) is not None
    assert await ledger.prune(9) == 1
    assert await ledger.find(first.id) is None


async def test_a_schedule_that_has_not_ended_is_never_removed(ledger: SqlLedger) -> None:
    made = await planned(ledger)

    assert await ledger.schedules.prune(9) == 0
    await ledger.schedules.cancel(made.id, by="human", reason="no")
    assert await ledger.schedules.prune(9) == 0
