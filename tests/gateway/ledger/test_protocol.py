"""What every ledger does, over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from gateway.database import clock
from gateway.ids import payment_id
from gateway.ledger.records import Entry, Query, Record, ReferenceTaken, State
from gateway.ledger.sql import SqlLedger
from tests.gateway.conftest import Databases
from tests.gateway.ledger.conftest import LONG, OVER, ROOM, accepted, brought, entry, found, settlement

S = State
ASKED = (S.PENDING, S.IN_DOUBT, S.UNRESOLVED)
LATE = (S.SENT, *ASKED)
FREE = (S.RESERVED, S.SENT, S.IN_DOUBT)
"""Nobody but their owner has said anything of them."""

# claims


async def test_a_reservation_is_a_record(ledger: SqlLedger) -> None:
    made = entry(customer="c" * 64, card="d" * 64, link_kind="refund_of", link_id="other")

    assert await ledger.reserve(made, LONG)

    record, now = await found(ledger, made.id), await ledger.now()
    for name in made._fields:
        assert getattr(record, name) == getattr(made, name), name
    assert (record.state, record.epoch, record.revision) == (S.RESERVED, 1, 1)
    assert now - 5 < record.created_at <= now
    assert record.lease_until == record.due_at == pytest.approx(record.created_at + LONG)
    assert (record.sent_at, record.settled_at, record.request, record.answer) == (None, None, None, None)
    assert [(each.state, each.by, each.at) for each in record.history] == [
        (S.RESERVED, "gateway", pytest.approx(record.created_at, abs=1e-3))
    ]


async def test_what_is_begun_is_sent_at_once(ledger: SqlLedger) -> None:
    made = entry()

    assert await ledger.begin(made, LONG, b"sealed")

    record = await found(ledger, made.id)
    assert (record.state, record.epoch, record.request) == (S.SENT, 1, b"sealed")
    assert record.sent_at == record.created_at
    assert [each.state for each in record.history] == [S.SENT]


@pytest.mark.parametrize("state", State)
async def test_a_claim_is_taken_in_whatever_state_its_record_is(ledger: SqlLedger, state: State) -> None:
    record = await brought(ledger, state)

    assert not await ledger.reserve(entry(claim=record.claim), LONG)
    assert not await ledger.begin(entry(claim=record.claim), LONG)

    assert record.claim is not None
    assert await ledger.find_claim(record.claim) == record


async def test_payments_without_a_claim_do_not_meet(ledger: SqlLedger) -> None:
    assert await ledger.reserve(entry(claim=None), LONG)
    assert await ledger.begin(entry(claim=None), LONG)


async def test_of_200_at_once_through_two_gateways_one_has_the_claim(ledger: SqlLedger, other: SqlLedger) -> None:
    claim = b"c" * 32

    claims = [(ledger, other)[n % 2].reserve(entry(claim=claim, request_id=f"{n}"), LONG) for n in range(200)]

    assert sum(await asyncio.gather(*claims)) == 1
    assert len(await ledger.list(Query(limit=500))) == 1


async def test_one_bad_row_never_fails_its_group(ledger: SqlLedger) -> None:
    good, taken = entry(), entry()

    outcomes = await asyncio.gather(
        ledger.reserve(taken, LONG),
        ledger.reserve(entry(id=taken.id), LONG),
        ledger.reserve(entry(amount=1 << 70), LONG),
        ledger.reserve(entry(route=None), LONG),
        ledger.begin(good, LONG),
        return_exceptions=True,
    )

    assert [each if each is True else type(each) for each in outcomes] == [True, *[ValueError] * 3, True]
    assert {each.id for each in await ledger.list(Query())} == {good.id, taken.id}


async def test_a_released_claim_is_taken_again_by_one(ledger: SqlLedger, other: SqlLedger) -> None:
    record = await brought(ledger, S.RELEASED)
    again = entry(policy="next")

    taken = await asyncio.gather(
        *((ledger, other)[n % 2].reserve_again(record.id, record.epoch, again, LONG) for n in range(20))
    )

    assert sum(taken) == 1
    now = await found(ledger, record.id)
    assert (now.state, now.epoch, now.created_at) == (S.RESERVED, record.epoch + 1, record.created_at)
    assert (now.request_id, now.trace_id, now.policy) == (again.request_id, again.trace_id, "next")
    assert (now.settled_at, now.delivery, now.status) == (None, None, None)
    assert [each.state for each in now.history] == [S.SENT, S.RELEASED, S.RESERVED]
    assert await ledger.prune(10) == 0


async def test_a_history_stays_bounded_however_often_its_key_comes_again(ledger: SqlLedger) -> None:
    record = await brought(ledger, S.RELEASED)
    said = settlement(S.RELEASED, reason='{"at":\n' * 60)
    longest = 0

    for epoch in range(1, 41):
        assert await ledger.reserve_again(record.id, epoch, entry(), LONG)
        assert await ledger.settle(record.id, epoch + 1, said)
        history = (await found(ledger, record.id)).history
        longest = max(longest, len(history))

    assert [each.state for each in history[-2:]] == [S.RESERVED, S.RELEASED]
    assert len(history) < longest < 40


async def test_a_reservation_is_taken_again_once_its_lease_is_over(ledger: SqlLedger) -> None:
    holds, over = entry(), entry()
    await ledger.reserve(holds, LONG)
    await ledger.reserve(over, OVER)

    assert not await ledger.reserve_again(holds.id, 1, entry(), LONG)
    assert not await ledger.reserve_again(over.id, 2, entry(), LONG)
    assert await ledger.reserve_again(over.id, 1, entry(), LONG)


async def test_a_lease_is_by_the_clock_of_the_database(
    engine: str, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of SQLite is its process's own."""
    made, real = entry(), clock.now
    await ledger.reserve(made, LONG)

    monkeypatch.setattr(clock, "now", lambda: real() + 2 * LONG)

    assert await ledger.send(made.id, 1, LONG) is (engine == "postgres")
    assert await ledger.free_expired(10) == (engine == "sqlite")


# sending


async def test_what_is_sent_is_committed_with_its_request(ledger: SqlLedger) -> None:
    made = entry()
    await ledger.reserve(made, LONG)

    assert await ledger.send(made.id, 1, 2 * LONG, b"sealed")

    record = await found(ledger, made.id)
    assert (record.state, record.request, record.revision) == (S.SENT, b"sealed", 2)
    assert record.sent_at is not None
    assert record.lease_until == pytest.approx(record.sent_at + 2 * LONG)
    assert not await ledger.send(made.id, 1, LONG)


async def test_nothing_is_sent_once_the_lease_is_over(ledger: SqlLedger) -> None:
    made = entry()
    await ledger.reserve(made, OVER)

    assert not await ledger.send(made.id, 1, LONG)


async def test_a_stale_epoch_neither_sends_nor_settles_nor_accepts(ledger: SqlLedger) -> None:
    made = entry()
    await ledger.reserve(made, OVER)
    await ledger.reserve_again(made.id, 1, entry(), LONG)
    before = await found(ledger, made.id)

    assert not await ledger.send(made.id, 1, LONG)
    assert not await ledger.accept(made.id, 1, b"", b"{}", **ROOM, within=LONG)
    for state in (S.RELEASED, S.FAILED, S.HELD, S.SUCCEEDED):
        assert not await ledger.settle(made.id, 1, settlement(state))

    assert await found(ledger, made.id) == before
    assert await ledger.send(made.id, 2, LONG)


async def test_it_was_first_sent_when_it_was_first_sent(ledger: SqlLedger) -> None:
    record = await brought(ledger, S.RELEASED)

    await ledger.reserve_again(record.id, 1, entry(), LONG)
    await ledger.send(record.id, 2, LONG)

    assert (await found(ledger, record.id)).sent_at == record.sent_at


# settling


async def test_what_its_owner_knows_is_kept(ledger: SqlLedger) -> None:
    made = entry()
    await ledger.begin(made, LONG, b"sealed")
    known = settlement(S.SUCCEEDED, attempts=2, status=201, answer=b"answer", trail=b'{"notes":[]}', reason="a code")

    assert await ledger.settle(made.id, 1, known)

    record = await found(ledger, made.id)
    assert (record.state, record.delivery, record.attempts, record.status) == (S.SUCCEEDED, "answered", 2, 201)
    assert (record.answer, record.trail, record.reason) == (b"answer", {"notes": []}, "a code")
    assert (record.request, record.due_at) == (None, None)
    assert record.settled_at is not None
    assert (record.history[-1].state, record.history[-1].reason) == (S.SUCCEEDED, "a code")


async def test_a_trail_stays_where_none_comes(ledger: SqlLedger) -> None:
    record = await brought(ledger, S.SENT)
    await ledger.settle(record.id, 1, settlement(S.PENDING, trail=b'{"notes":[1]}'))
    await ledger.settle(record.id, 1, settlement(S.FAILED))

    assert (await found(ledger, record.id)).trail == {"notes": [1]}


async def test_a_late_answer_settles_what_recovery_took_up(ledger: SqlLedger) -> None:
    made = entry()
    await ledger.begin(made, OVER)
    [taken] = await ledger.take_due(10, LONG)
    assert (taken.state, taken.reason) == (S.IN_DOUBT, "owner_lost")

    assert await ledger.settle(made.id, 1, settlement(S.SUCCEEDED))

    assert not await ledger.resolve(made.id, taken.revision, S.FAILED, by="recovery", reason="a miss")
    assert not await ledger.settle(made.id, 1, settlement(S.FAILED))
    assert (await found(ledger, made.id)).state is S.SUCCEEDED


async def test_what_a_resolver_found_pending_is_not_free_again_by_a_late_answer(ledger: SqlLedger) -> None:
    """They contradict each other: of two that were sent under the key, one may be under way."""
    made = entry()
    await ledger.begin(made, OVER)
    [taken] = await ledger.take_due(10, LONG)
    assert await ledger.resolve(made.id, taken.revision, S.PENDING, by="status_url", reason="found", due_in=LONG)

    assert not await ledger.settle(made.id, 1, settlement(S.RELEASED))

    assert (await found(ledger, made.id)).state is S.PENDING
    assert await ledger.settle(made.id, 1, settlement(S.SUCCEEDED))


async def test_after_a_resend_the_former_owner_has_no_right_left(ledger: SqlLedger) -> None:
    """Not even to a conclusive answer: two were sent now, and the later one's owner hears the same of the upstream."""
    record = await brought(ledger, S.IN_DOUBT)

    epoch = await ledger.resend(record.id, record.revision, LONG)

    assert epoch == record.epoch + 1
    for state in State:
        if state not in (S.RESERVED, S.SENT):
            assert not await ledger.settle(record.id, record.epoch, settlement(state))
    assert not await ledger.send(record.id, record.epoch, LONG)
    assert not await ledger.reserve_again(record.id, record.epoch, entry(), LONG)
    assert await ledger.resend(record.id, record.revision, LONG) is None
    assert (await found(ledger, record.id)).state is S.IN_DOUBT
    assert await ledger.settle(record.id, epoch, settlement(S.SUCCEEDED))


@pytest.mark.parametrize(
    "said",
    ['"quoted" \\ back', "line\nafter\r\nline", "\u2028\u2029\x85\x1c\x1d", "\x00", "\ud800", "日本 🎉", "'; --"],
)
async def test_a_history_can_be_read_whatever_is_said_in_it(ledger: SqlLedger, said: str) -> None:
    one, two = await brought(ledger, S.IN_DOUBT), await brought(ledger, S.SENT)

    assert await ledger.resolve(one.id, one.revision, S.FAILED, by=f"human:{said}", reason=said)
    assert await ledger.settle(two.id, 1, settlement(S.FAILED, reason=said))

    histories = [(await found(ledger, each.id)).history for each in (one, two)]
    assert [[change.state for change in history] for history in histories] == [
        [S.SENT, S.IN_DOUBT, S.FAILED],
        [S.SENT, S.FAILED],
    ]
    assert histories[0][-1].by.startswith("human:")
    if said.isprintable() or "line" in said:
        assert histories[0][-1].by == f"human:{said}"
        assert {history[-1].reason for history in histories} == {said}


# every state and every change


def _settle(to: State) -> Callable[[SqlLedger, Record], Awaitable[Any]]:
    return lambda ledger, record: ledger.settle(record.id, record.epoch, settlement(to))


def _resolve(to: State) -> Callable[[SqlLedger, Record], Awaitable[Any]]:
    return lambda ledger, record: ledger.resolve(
        record.id, record.revision, to, by="test", reason="said", due_in=None if to not in ASKED[:2] else LONG
    )


CHANGES: dict[str, Callable[[SqlLedger, Record], Awaitable[Any]]] = {
    "reserve again": lambda ledger, record: ledger.reserve_again(record.id, record.epoch, entry(), LONG),
    "send": lambda ledger, record: ledger.send(record.id, record.epoch, LONG),
    "accept": lambda ledger, record: ledger.accept(record.id, record.epoch, b"", b"{}", **ROOM, within=LONG),
    "hold": lambda ledger, record: ledger.hold(record.id, record.epoch, b"", b"{}", most=9, within=LONG, reason="r"),
    "postpone": lambda ledger, record: ledger.postpone(record.id, record.revision, LONG),
    "resend": lambda ledger, record: ledger.resend(record.id, record.revision, LONG),
    "take accepted": lambda ledger, record: ledger.take_accepted(10, LONG),
    "take due": lambda ledger, record: ledger.take_due(10, LONG),
    "free expired": lambda ledger, record: ledger.free_expired(10),
    "expire accepted": lambda ledger, record: ledger.expire_accepted(10),
    "expire held": lambda ledger, record: ledger.expire_held(10),
    "prune": lambda ledger, record: ledger.prune(10),
    **{f"settle {to}": _settle(to) for to in State if to not in (S.RESERVED, S.SENT)},
    **{f"resolve {to}": _resolve(to) for to in State},
}

ENDS: dict[str, dict[State, State]] = {
    "reserve again": {S.RELEASED: S.RESERVED},
    "send": {S.RESERVED: S.SENT},
    "accept": {S.RESERVED: S.ACCEPTED, S.SENT: S.ACCEPTED},
    "hold": {S.RESERVED: S.HELD},
    "postpone": {S.PENDING: S.PENDING, S.IN_DOUBT: S.IN_DOUBT},
    "resend": {each: each for each in ASKED},
    "take accepted": {S.ACCEPTED: S.RESERVED},
    "settle succeeded": dict.fromkeys(LATE, S.SUCCEEDED),
    "settle failed": dict.fromkeys((S.RESERVED, *LATE), S.FAILED),
    "settle released": dict.fromkeys(FREE, S.RELEASED),
    "settle held": dict.fromkeys((S.RESERVED, S.SENT), S.HELD),
    "settle pending": dict.fromkeys(LATE, S.PENDING),
    "settle in_doubt": dict.fromkeys((S.SENT, S.IN_DOUBT), S.IN_DOUBT),
    "settle unresolved": dict.fromkeys((S.SENT, S.PENDING, S.IN_DOUBT), S.UNRESOLVED),
    **{
        f"resolve {to}": dict.fromkeys(ASKED, to)
        for to in (S.SUCCEEDED, S.FAILED, S.RELEASED, S.PENDING, S.IN_DOUBT, S.UNRESOLVED)
    },
}
"""What becomes of a record whose lease holds; where nothing stands, it stays as it is."""
ENDS["resolve failed"] |= {S.ACCEPTED: S.FAILED, S.HELD: S.FAILED}

PROMISED = ENDS | {
    "settle accepted": dict.fromkeys(FREE, S.ACCEPTED),
    "settle released": {},
    "reserve again": {},
    "hold": {},
}
"""Of one that was accepted before: it is never released, but by a human."""


@pytest.mark.parametrize("change", CHANGES)
async def test_what_each_change_makes_of_each_state(ledger: SqlLedger, change: str) -> None:
    for state, promised in product(State, (False, True)):
        if promised and state is S.RELEASED:
            continue  # there is none
        record = await brought(ledger, state, promised=promised)
        kept = promised or state is S.ACCEPTED
        end = (PROMISED if kept else ENDS).get(change, {}).get(state)

        changed = await CHANGES[change](ledger, record)

        after = await found(ledger, record.id)
        told = f"{change} of {state}, {promised=}"
        assert bool(changed) is (end is not None), told
        assert after.state is (end or state), told
        if end is None:
            assert after == record, told
        else:
            assert after.revision == record.revision + 1, told
        await _clear(ledger, after)


async def _clear(ledger: SqlLedger, record: Record) -> None:
    """So that the next is alone."""
    if record.state in (S.ACCEPTED, S.RESERVED, S.SENT):
        await ledger.settle(record.id, record.epoch, settlement(S.FAILED))
        if (record := await found(ledger, record.id)).state is S.ACCEPTED:
            await ledger.resolve(record.id, record.revision, S.FAILED, by="test", reason="")


async def test_who_read_another_revision_decides_nothing(ledger: SqlLedger) -> None:
    record = await brought(ledger, S.IN_DOUBT)

    assert not await ledger.resolve(record.id, record.revision - 1, S.FAILED, by="test", reason="")
    assert not await ledger.postpone(record.id, record.revision - 1, LONG)
    assert await ledger.resend(record.id, record.revision - 1, LONG) is None

    assert await found(ledger, record.id) == record


async def test_a_resolution_says_who_and_why(ledger: SqlLedger) -> None:
    record = await brought(ledger, S.UNRESOLVED)

    assert await ledger.resolve(
        record.id, record.revision, S.SUCCEEDED, by="human:ann", reason="seen", trail=b'{"a":1}'
    )

    now = await found(ledger, record.id)
    assert (now.reason, now.asked, now.trail) == ("seen", 1, {"a": 1})
    assert (now.history[-1].by, now.history[-1].reason, now.history[-1].state) == ("human:ann", "seen", S.SUCCEEDED)
    assert now.settled_at is not None


async def test_what_a_human_releases_may_come_again_though_it_was_promised(ledger: SqlLedger) -> None:
    record = await brought(ledger, S.IN_DOUBT, promised=True)

    assert await ledger.resolve(record.id, record.revision, S.RELEASED, by="human:ann", reason="never executed")

    assert await ledger.reserve_again(record.id, record.epoch, entry(), LONG)


# review


async def held(ledger: SqlLedger, within: float = LONG, **given: Any) -> Record:
    made = entry(**given)
    assert await ledger.reserve(made, LONG)
    assert await ledger.hold(made.id, 1, b"sealed", b'{"notes":[]}', most=9, within=within, reason="score")
    return await found(ledger, made.id)


async def test_what_is_held_is_kept_with_its_request_and_sent_by_nobody(ledger: SqlLedger) -> None:
    record = await held(ledger)

    assert (record.state, record.request, record.reason, record.trail) == (S.HELD, b"sealed", "score", {"notes": []})
    assert record.due_at == pytest.approx(await ledger.now() + LONG, abs=5)
    assert not await ledger.send(record.id, 1, LONG)
    assert not await ledger.settle(record.id, 1, settlement(S.RELEASED))
    assert await ledger.take_accepted(10, LONG) == []
    assert await ledger.take_due(10, LONG) == []
    assert await found(ledger, record.id) == record


async def test_what_is_approved_is_taken_once_and_whoever_held_it_can_not_send_it(
    ledger: SqlLedger, other: SqlLedger
) -> None:
    record = await held(ledger)
    given = {"by": "human:ann", "reason": "known", "within": LONG}
    assert not await ledger.approve(record.id, record.revision - 1, **given)
    approvals = await asyncio.gather(*(each.approve(record.id, record.revision, **given) for each in (ledger, other)))
    taken = await asyncio.gather(*(each.take_accepted(9, LONG) for each in (ledger, other)))

    assert sorted(approvals) == [False, True]
    assert [(each.id, each.epoch, each.request) for page in taken for each in page] == [(record.id, 2, b"sealed")]
    assert not await ledger.send(record.id, 1, LONG)
    assert await ledger.send(record.id, 2, LONG)
    lines = [(each.state, each.by, each.reason) for each in (await found(ledger, record.id)).history]
    assert lines[1:3] == [(S.HELD, "gateway", "score"), (S.ACCEPTED, "human:ann", "known")]


async def test_what_nobody_decides_in_time_has_failed_and_cannot_be_approved(ledger: SqlLedger) -> None:
    late, waits = await held(ledger, within=OVER), await held(ledger)

    assert not await ledger.approve(late.id, late.revision, by="human:ann", reason="known", within=LONG)
    assert await ledger.expire_held(9) == [late.id]
    now = await found(ledger, late.id)
    assert (now.state, now.reason, now.request) == (S.FAILED, "not_sent", None)
    assert await found(ledger, waits.id) == waits


async def test_a_route_holds_so_many_also_through_two_gateways(ledger: SqlLedger, other: SqlLedger) -> None:
    made = [entry() for _ in range(12)]
    await asyncio.gather(*(ledger.reserve(each, LONG) for each in made))
    done = await asyncio.gather(
        *(
            (ledger, other)[n % 2].hold(each.id, 1, b"", b"{}", most=7, within=LONG, reason="score")
            for n, each in enumerate(made)
        )
    )

    assert sum(done) == 7


# recovery


async def test_only_what_is_due_is_taken_and_for_a_while_by_nobody_else(ledger: SqlLedger, other: SqlLedger) -> None:
    for state in State:
        await brought(ledger, state)
    lost = await brought(ledger, S.SENT, lease=OVER)
    pending, doubt = await brought(ledger, S.SENT), await brought(ledger, S.SENT)
    await ledger.settle(pending.id, 1, settlement(S.PENDING, due_in=-5.0))
    await ledger.settle(doubt.id, 1, settlement(S.IN_DOUBT, due_in=-9.0))

    [first] = await ledger.take_due(1, LONG)
    rest = await other.take_due(10, LONG)

    assert first.id == doubt.id
    assert [(each.id, each.state) for each in rest] == [(lost.id, S.IN_DOUBT), (pending.id, S.PENDING)]
    assert [each.state for each in rest[0].history] == [S.SENT, S.IN_DOUBT]
    assert await ledger.take_due(10, LONG) == []
    await ledger.postpone(first.id, first.revision, OVER, b'{"said":1}')
    [again] = await other.take_due(10, LONG)
    assert (again.id, again.asked, again.trail) == (first.id, 1, {"said": 1})


async def test_a_payment_whose_reservation_ran_out_while_it_was_sent_is_not_taken_before_its_own_lease(
    ledger: SqlLedger, databases: Databases
) -> None:
    made = entry()
    await ledger.reserve(made, LONG)
    await ledger.send(made.id, 1, LONG)
    await (await databases()).write("UPDATE payments SET due_at = 0 WHERE id = $1 RETURNING $1", made.id)

    assert await ledger.take_due(10, LONG) == []


async def test_two_recoverers_never_have_the_same_record(ledger: SqlLedger, other: SqlLedger) -> None:
    made = [entry() for _ in range(60)]
    await asyncio.gather(*(ledger.begin(each, OVER) for each in made))

    taken = await asyncio.gather(*(each.take_due(7, LONG) for _ in range(12) for each in (ledger, other)))

    ids = [record.id for records in taken for record in records]
    assert sorted(ids) == sorted(each.id for each in made)
    assert max(map(len, taken)) <= 7


async def test_expired_reservations_are_freed_in_a_new_epoch_and_promised_ones_wait_again(ledger: SqlLedger) -> None:
    free, kept = entry(), await accepted(ledger)
    await ledger.reserve(free, OVER)
    await ledger.take_accepted(1, OVER)

    assert await ledger.free_expired(1) + await ledger.free_expired(10) == 2

    one, two = await found(ledger, free.id), await found(ledger, kept.id)
    assert (one.state, one.epoch, one.reason, one.due_at) == (S.RELEASED, 2, "claim_expired", None)
    assert (two.state, two.epoch, two.due_at) == (S.ACCEPTED, 3, two.accepted_until)
    assert one.settled_at is not None
    assert two.settled_at is None
    assert not await ledger.send(free.id, 1, LONG)
    assert not await ledger.send(kept.id, 2, LONG)


# store and forward


async def test_what_is_accepted_is_kept_with_its_request(ledger: SqlLedger) -> None:
    made = entry()
    await ledger.begin(made, LONG)

    assert await ledger.accept(made.id, 1, b"sealed", b'{"notes":[]}', **ROOM, within=60)

    record = await found(ledger, made.id)
    assert (record.state, record.request, record.trail) == (S.ACCEPTED, b"sealed", {"notes": []})
    assert record.accepted_until == record.due_at == pytest.approx(await ledger.now() + 60, abs=5)


async def test_a_route_accepts_so_many_and_so_much_also_through_two_gateways(
    ledger: SqlLedger, other: SqlLedger
) -> None:
    def entries(**given: Any) -> list[Any]:
        return [entry(amount=10, **given) for _ in range(20)]

    async def accept(made: list[Any], most: int, ceiling: int) -> int:
        await asyncio.gather(*(ledger.reserve(each, LONG) for each in made))
        done = await asyncio.gather(
            *(
                (ledger, other)[n % 2].accept(each.id, 1, b"", b"{}", most=most, ceiling=ceiling, within=LONG)
                for n, each in enumerate(made)
            )
        )
        return sum(done)

    assert await accept(entries(), most=7, ceiling=1000) == 7
    assert await accept(entries(route="other"), most=100, ceiling=95) == 9
    assert await accept(entries(route="other", currency="usd"), most=100, ceiling=50) == 5
    assert await accept(entries(route="none"), most=0, ceiling=95) == 0


async def test_each_customers_payments_are_taken_in_the_order_in_which_they_were_made(
    ledger: SqlLedger, other: SqlLedger
) -> None:
    made = [await accepted(ledger, customer=each) for each in ("ann", "bob", "ann", "bob", "ann")]
    alone = [await accepted(ledger, owner=None), await accepted(ledger, owner=None)]

    first = await ledger.take_accepted(10, LONG)

    assert [each.id for each in first] == [made[0].id, made[1].id, alone[0].id, alone[1].id]
    assert {(each.state, each.epoch) for each in first} == {(S.RESERVED, 2)}
    assert await other.take_accepted(10, LONG) == []
    assert await ledger.send(made[0].id, 2, LONG)
    assert await other.take_accepted(10, LONG) == []
    assert await ledger.settle(made[0].id, 2, settlement(S.SUCCEEDED))
    assert await ledger.settle(made[1].id, 2, settlement(S.ACCEPTED))
    assert [each.id for each in await other.take_accepted(10, LONG)] == [made[1].id, made[2].id]


async def test_a_history_stays_bounded_however_often_it_is_taken_up_in_vain(ledger: SqlLedger) -> None:
    made = await accepted(ledger)
    said = settlement(S.ACCEPTED, reason='{"at":\n' * 60)
    longest = 0

    for epoch in range(2, 42):
        assert [each.epoch for each in await ledger.take_accepted(1, LONG)] == [epoch]
        assert await ledger.settle(made.id, epoch, said)
        history = (await found(ledger, made.id)).history
        longest = max(longest, len(history))

    assert [each.state for each in history[-2:]] == [S.RESERVED, S.ACCEPTED]
    assert len(history) < longest < 40


async def test_two_drainers_never_have_two_payments_of_one_customer(ledger: SqlLedger, other: SqlLedger) -> None:
    made = [await accepted(ledger, customer="ann") for _ in range(6)]

    for each in made:
        taken = await asyncio.gather(*(one.take_accepted(10, LONG) for _ in range(4) for one in (ledger, other)))
        assert [record.id for records in taken for record in records] == [each.id]
        assert await ledger.settle(each.id, 2, settlement(S.FAILED))


async def test_a_customer_of_whom_a_later_payment_is_being_sent_is_passed_over(ledger: SqlLedger) -> None:
    early = entry(customer="ann")
    await ledger.reserve(early, LONG)
    late = await accepted(ledger, customer="ann")
    [taken] = await ledger.take_accepted(10, LONG)
    await ledger.accept(early.id, 1, b"", b"{}", **ROOM, within=LONG)

    assert taken.id == late.id
    assert await ledger.take_accepted(10, LONG) == []


async def test_what_waited_too_long_failed_unsent_and_nobody_can_send_it(ledger: SqlLedger) -> None:
    over, waits = await accepted(ledger, within=OVER), await accepted(ledger, owner="other")

    assert [each.id for each in await ledger.take_accepted(10, LONG)] == [waits.id]
    assert await ledger.expire_accepted(10) == [over.id]

    record = await found(ledger, over.id)
    assert (record.state, record.reason, record.request, record.epoch) == (S.FAILED, "not_sent", None, 2)
    assert (await found(ledger, waits.id)).state is S.RESERVED
    assert not await ledger.reserve_again(over.id, record.epoch, entry(), LONG)


# what everybody may ask


async def test_records_are_found_by_id_claim_and_request(ledger: SqlLedger) -> None:
    record = await brought(ledger, S.SENT)

    assert record.claim is not None
    assert await ledger.find(record.id) == await ledger.find_claim(record.claim) == record
    assert await ledger.find_request(record.request_id) == record
    assert record.key == record.claim.hex()
    for nothing in (ledger.find(payment_id()), ledger.find_claim(b"?"), ledger.find_request("?")):
        assert await nothing is None


async def test_a_list_is_of_what_was_asked_for_and_the_newest_come_first(ledger: SqlLedger) -> None:
    one = entry(route="a", owner="ann", customer="1:c", amount=5, currency="eur")
    two = entry(route="b", owner="ann", customer="2:c", amount=50, currency="usd")
    three = entry(route="b", owner="bob", amount=500, currency="eur")
    for each in (one, two, three):
        await ledger.reserve(each, LONG)
    await ledger.settle(two.id, 1, settlement(S.FAILED))

    async def asked(**given: Any) -> list[str]:
        names = {one.id: "one", two.id: "two", three.id: "three"}
        return [names[each.id] for each in await ledger.list(Query(**given))]

    assert await asked() == ["three", "two", "one"]
    assert await asked(states=[S.RESERVED]) == ["three", "one"]
    assert await asked(states=[S.FAILED, S.SENT, S.RESERVED, S.PENDING]) == ["three", "two", "one"]
    assert await asked(states=[S.FAILED]) == ["two"]
    assert await asked(states=[S.SENT, S.IN_DOUBT]) == []
    assert await asked(route="b") == ["three", "two"]
    assert await asked(owner="ann", route="b") == ["two"]
    assert await asked(claim=one.claim) == ["one"]
    assert await asked(request_id=two.request_id) == ["two"]
    assert await asked(customers=["1:c", "2:c"]) == ["two", "one"]
    assert await asked(least=50, most=500) == ["three", "two"]
    assert await asked(most=499, currency="eur") == ["one"]
    assert await asked(older_than=OVER) == ["three", "two", "one"]
    assert await asked(older_than=LONG) == []
    assert await asked(limit=2) == ["three", "two"]
    assert await asked(limit=2, cursor=two.id) == ["one"]
    assert await asked(cursor=one.id, states=[S.RESERVED]) == []


async def test_a_list_has_neither_bodies_nor_histories(ledger: SqlLedger) -> None:
    made = entry()
    await ledger.begin(made, LONG, b"sealed")

    [listed] = await ledger.list(Query())

    assert listed == replace(await found(ledger, made.id), request=None, history=())


async def test_what_is_not_settled_is_counted(ledger: SqlLedger) -> None:
    for state in State:
        await brought(ledger, state)
    await brought(ledger, S.IN_DOUBT)

    assert await ledger.counts() == {
        **dict.fromkeys((S.ACCEPTED, S.HELD, S.RESERVED, S.SENT, S.PENDING, S.UNRESOLVED), 1),
        S.IN_DOUBT: 2,
    }


async def test_only_what_is_settled_and_no_longer_kept_is_removed(ledger: SqlLedger) -> None:
    gone = [entry(keep=OVER) for _ in range(3)]
    stays = [entry(keep=OVER) for _ in range(7)]
    kept = entry()
    await asyncio.gather(*(ledger.begin(each, LONG) for each in (*gone, *stays, kept)))
    for each, state in zip(gone, (S.SUCCEEDED, S.FAILED, S.RELEASED), strict=True):
        await ledger.settle(each.id, 1, settlement(state))
    for each, state in zip(stays, (S.HELD, S.PENDING, S.IN_DOUBT, S.UNRESOLVED), strict=False):
        await ledger.settle(each.id, 1, settlement(state))
    await ledger.accept(stays[4].id, 1, b"", b"{}", **ROOM, within=LONG)
    await ledger.settle(kept.id, 1, settlement(S.SUCCEEDED))

    assert [await ledger.prune(2), await ledger.prune(2), await ledger.prune(2)] == [2, 1, 0]

    assert {each.id for each in await ledger.list(Query())} == {each.id for each in (*stays, kept)}


async def test_a_claim_that_was_taken_again_is_not_removed(ledger: SqlLedger, other: SqlLedger) -> None:
    made = entry(keep=OVER)
    await ledger.begin(made, LONG)
    await ledger.settle(made.id, 1, settlement(S.RELEASED))

    pruned, again = await asyncio.gather(other.prune(10), ledger.reserve_again(made.id, 1, entry(keep=OVER), LONG))

    assert pruned + again == 1
    assert (await ledger.find(made.id) is not None) is again


async def test_a_change_is_handed_over_when_its_method_returns(ledger: SqlLedger) -> None:
    made = entry()
    ledger.begin(made, LONG)
    ledger.settle(made.id, 1, settlement(S.SUCCEEDED))

    await ledger.reserve(entry(), LONG)

    assert (await found(ledger, made.id)).state is S.SUCCEEDED


async def test_a_line_of_the_history_is_json(ledger: SqlLedger, databases: Databases) -> None:
    record = await brought(ledger, S.FAILED, promised=True)

    [[history]] = await (await databases()).read("SELECT history FROM payments WHERE id = $1", record.id)

    lines = [json.loads(line) for line in history.splitlines()]
    assert [line["state"] for line in lines] == ["reserved", "accepted", "reserved", "sent", "failed"]
    assert all(set(line) <= {"at", "state", "by", "reason"} for line in lines)


# business references


def referring(reference: bytes = b"r" * 32, **given: Any) -> Entry:
    return entry(reference=reference, method=b"m" * 32, **given)


TAKEN = tuple(each for each in State if each not in (S.FAILED, S.RELEASED))


async def to(ledger: SqlLedger, made: Entry, state: State) -> None:
    """Bring a payment that was begun to ``state``."""
    if state is S.ACCEPTED:
        assert await ledger.accept(made.id, 1, b"request", b"{}", **ROOM, within=LONG)
    elif state is not S.SENT:
        assert await ledger.settle(made.id, 1, settlement(state))


@pytest.mark.parametrize("state", State)
async def test_a_reference_is_taken_unless_its_payment_has_failed_or_was_not_executed(ledger, state) -> None:
    made = referring()
    if state is S.RESERVED:
        assert await ledger.reserve(made, LONG)
    else:
        assert await ledger.begin(made, LONG)
        await to(ledger, made, state)

    if state in TAKEN:
        for again in (ledger.reserve(referring(), LONG), ledger.begin(referring(), LONG)):
            with pytest.raises(ReferenceTaken) as taken:
                await again
            assert taken.value.holder.id == made.id
        assert await ledger.find_reference(b"r" * 32) == await found(ledger, made.id)
    else:
        assert await ledger.find_reference(b"r" * 32) is None
        assert await ledger.begin(referring(), LONG)


async def test_a_payment_with_a_reference_is_a_record_like_any_other(ledger: SqlLedger) -> None:
    reserved, sent = referring(b"a" * 32), referring(b"b" * 32)
    assert await ledger.reserve(reserved, LONG)
    assert await ledger.begin(sent, LONG, b"sealed")

    for made, state in ((reserved, S.RESERVED), (sent, S.SENT)):
        record = await found(ledger, made.id)
        assert record.state is state
        assert {name: getattr(record, name) for name in made._fields} == made._asdict()
        assert [each.state for each in record.history] == [state]
    assert (await found(ledger, sent.id)).request == b"sealed"


async def test_a_claim_that_is_taken_says_so_before_its_reference_does(ledger: SqlLedger) -> None:
    """A repeat of a key is a repeat, and not another payment of the same reference."""
    made = referring()
    await ledger.begin(made, LONG)

    assert not await ledger.reserve(referring(claim=made.claim), LONG)
    assert not await ledger.begin(referring(claim=made.claim), LONG)


async def test_of_many_at_once_through_two_gateways_one_has_the_reference(ledger, other) -> None:
    begun = [(ledger, other)[n % 2].begin(referring(), LONG) for n in range(60)]
    outcomes = await asyncio.gather(*begun, return_exceptions=True)

    assert Counter(type(each) for each in outcomes) == {bool: 1, ReferenceTaken: 59}
    assert len(await ledger.list(Query(limit=500))) == 1


async def test_a_released_payment_is_not_claimed_again_once_its_reference_is_anothers(ledger: SqlLedger) -> None:
    made, second = referring(), referring()
    await ledger.begin(made, LONG)
    await ledger.settle(made.id, 1, settlement(S.RELEASED))
    await ledger.begin(second, LONG)

    assert not await ledger.reserve_again(made.id, 1, entry(), LONG)
    await ledger.settle(second.id, 1, settlement(S.FAILED))
    assert await ledger.reserve_again(made.id, 1, entry(), LONG)
    with pytest.raises(ReferenceTaken):
        await ledger.begin(referring(), LONG)


async def test_payments_that_name_another_are_found_by_it(ledger: SqlLedger) -> None:
    made = entry()
    await ledger.begin(made, LONG)
    links = [entry(link_kind=kind, link_id=made.id) for kind in ("retry_of", "refund_of")]
    for each in links:
        await ledger.begin(each, LONG)

    assert [(each.id, each.link_kind) for each in await ledger.linked(made.id)] == [
        (each.id, each.link_kind) for each in links
    ]
    assert await ledger.linked(links[0].id) == []


async def test_a_payment_that_another_names_stays_with_it(ledger: SqlLedger) -> None:
    made = entry(keep=OVER)
    link = entry(keep=OVER, link_kind="refund_of", link_id=made.id)
    for each in (made, link):
        await ledger.begin(each, LONG)
    await ledger.settle(made.id, 1, settlement(S.SUCCEEDED))

    assert await ledger.prune(10) == 0
    await ledger.settle(link.id, 1, settlement(S.SUCCEEDED))
    assert (await ledger.prune(10), await ledger.prune(10), await ledger.prune(10)) == (1, 1, 0)
