"""What evidence makes certain is written over real ledgers, whatever happens to the record meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.evidence import Verdict, judge
from gateway.ledger.records import Evidence, Record, Settlement, State
from gateway.ledger.settling import TRIES, Backoff, Settling
from gateway.ledger.sql import SqlLedger
from gateway.telemetry.masking import Masking
from gateway.testing import record as made
from tests.gateway.ledger.conftest import brought, found

PAID = Evidence("bank", "succeeded", by_key=True, amount=1999, currency="eur")
UNKNOWN = Evidence("bank", "unknown", detail="card 4111111111111111")


class Told:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.audited: list[tuple[str, dict[str, Any]]] = []

    def event(self, code: str, **detail: Any) -> None:
        self.events.append((code, detail))

    def audit(self, action: str, **entry: Any) -> None:
        self.audited.append((action, entry))


def settling(told: Told | None = None, attempts: int = 5, pause: float = 0.0) -> Settling:
    told = told or Told()
    backoff = Backoff(pause, pause)
    return Settling(attempts, backoff, masks=Masking(), now=lambda: 1e9, event=told.event, audit=told.audit)


def judged(*evidence: Evidence) -> Callable[[Record], Verdict]:
    return lambda record: judge(record, evidence, look_up=None, now=0.0)


async def test_what_is_certain_is_written_with_who_said_so(ledger: SqlLedger) -> None:
    record, writing = await brought(ledger, State.IN_DOUBT), settling()

    assert await writing.write(ledger, record, [PAID], judged(PAID)) is State.SUCCEEDED
    record = await found(ledger, record.id)
    assert (record.state, record.reason, record.history[-1].by) == (State.SUCCEEDED, "confirmed", "bank")
    assert writing.results == {"succeeded": 1}


async def test_what_is_not_is_asked_for_again_and_what_was_said_is_kept_masked(ledger: SqlLedger) -> None:
    record, writing = await brought(ledger, State.IN_DOUBT), settling()

    assert await writing.write(ledger, record, [UNKNOWN], judged(UNKNOWN)) is State.IN_DOUBT
    record = await found(ledger, record.id)
    assert (record.state, record.asked) == (State.IN_DOUBT, 1)
    assert record.trail["answers"][0]["detail"] == "card [card *1111]"


async def test_the_wait_that_evidence_asks_for_comes_before_the_backoff(ledger: SqlLedger) -> None:
    record = await brought(ledger, State.IN_DOUBT)
    await settling(pause=0.0).write(ledger, record, [], lambda _: Verdict(None, "absent_too_early", wait=500.0))
    record = await found(ledger, record.id)

    assert record.due_at is not None
    assert record.due_at - await ledger.now() == pytest.approx(500, abs=5)


async def test_the_last_question_ends_with_a_human(ledger: SqlLedger) -> None:
    told, record = Told(), await brought(ledger, State.IN_DOUBT)
    await settling(told, attempts=1).write(ledger, record, [UNKNOWN], judged(UNKNOWN))

    assert (await found(ledger, record.id)).state is State.UNRESOLVED
    [(code, said)] = told.events
    assert (code, said["severity"], said["payment"], said["reason"]) == (
        "payment_unresolved", "critical", record.id, "nobody_knows",
    )  # fmt: skip


async def test_the_last_question_is_no_end_where_the_same_answer_would_tell_more_later(ledger: SqlLedger) -> None:
    told, record = Told(), await brought(ledger, State.IN_DOUBT)
    early = Verdict(None, "absent_too_early", wait=500.0)
    await settling(told, attempts=1).write(ledger, record, [], lambda _: early)

    assert (await found(ledger, record.id)).state is State.IN_DOUBT
    assert told.events == []


async def test_a_record_that_changed_meanwhile_is_judged_as_it_now_is(ledger: SqlLedger) -> None:
    record = await brought(ledger, State.IN_DOUBT)
    seen: list[int] = []

    def judging(current: Record) -> Verdict:
        seen.append(current.revision)
        return judged(PAID)(current)

    assert await ledger.resend(record.id, record.revision, 10.0)
    assert await settling().write(ledger, record, [PAID], judging) is State.SUCCEEDED
    assert seen == [record.revision, record.revision + 1]


async def test_what_was_settled_is_on_the_audit_trail_and_so_is_what_was_refused(ledger: SqlLedger) -> None:
    record, told = await brought(ledger, State.IN_DOUBT), Told()
    assert await ledger.resend(record.id, record.revision, 10.0)
    await settling(told).write(ledger, record, [PAID], judged(PAID))

    assert [(action, entry["subject"], entry["outcome"]) for action, entry in told.audited] == [
        ("payment.resolve", record.id, "succeeded"),
        ("payment.resolve", record.id, "not_recorded"),
        ("payment.resolve", record.id, "succeeded"),
    ]
    assert told.audited[0][1]["principal"] == "bank"
    assert told.audited[0][1]["was"] == "in_doubt"


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED])
async def test_what_was_settled_meanwhile_stays_so(ledger: SqlLedger, state: State) -> None:
    told, record = Told(), await brought(ledger, State.IN_DOUBT)
    writing = settling(told)
    assert await ledger.resolve(record.id, record.revision, state, by="human:ada", reason="seen")

    assert await writing.write(ledger, record, [PAID], judged(PAID)) is state
    assert (await found(ledger, record.id)).history[-1].by == "human:ada"
    assert writing.results["settled_meanwhile"] == 1
    assert [code for code, _ in told.events] == (["payment_conflict"] if state is State.FAILED else [])


async def test_a_human_is_overruled_by_proof_alone(ledger: SqlLedger) -> None:
    record = await brought(ledger, State.IN_DOUBT)
    assert await ledger.resolve(record.id, record.revision, State.UNRESOLVED, by="recovery", reason="")
    writing = settling(attempts=1)

    assert await writing.write(ledger, record, [UNKNOWN], judged(UNKNOWN)) is State.UNRESOLVED
    assert (await found(ledger, record.id)).history[-1].reason == ""
    assert await writing.write(ledger, record, [PAID], judged(PAID)) is State.SUCCEEDED


async def test_what_is_gone_is_nobodys(ledger: SqlLedger) -> None:
    record = await brought(ledger, State.IN_DOUBT)
    await ledger.settle(record.id, 1, Settlement(State.SUCCEEDED, "", "answered", 1))
    writing = settling()

    class Gone(SqlLedger):
        def __init__(self) -> None: ...

        def resolve(self, *given: Any, **more: Any) -> Any:
            return ledger.resolve(*given, **more)

        async def find(self, id: str) -> None:  # noqa: A002
            return None

    assert await writing.write(Gone(), record, [PAID], judged(PAID)) is None


async def test_it_does_not_try_for_ever(ledger: SqlLedger) -> None:
    record, writing = await brought(ledger, State.IN_DOUBT), settling()
    tries: list[int] = []

    class Busy(SqlLedger):
        """Somebody else is always faster."""

        def __init__(self) -> None: ...

        async def resolve(self, *given: Any, **more: Any) -> bool:
            tries.append(1)
            return False

        async def find(self, id: str) -> Record | None:  # noqa: A002
            return await ledger.find(id)

    assert await writing.write(Busy(), record, [PAID], judged(PAID)) is State.IN_DOUBT
    assert len(tries) == TRIES
    assert not writing.results


@given(st.floats(0, 100), st.floats(0, 1000), st.integers(0, 10_000))
def test_a_pause_is_somewhere_between_nothing_and_what_doubles_up_to_the_most(first, most, asked) -> None:
    pause = Backoff(first, most).pause(asked)

    assert 0 <= pause <= min(most, first * 2.0 ** min(asked, 60))


EVIDENCE = st.builds(
    Evidence,
    st.sampled_from(["bank", "replay"]),
    st.sampled_from(["succeeded", "failed", "pending", "absent", "unknown"]),
    by_key=st.booleans(),
    amount=st.sampled_from([None, 1999, 5]),
    currency=st.sampled_from([None, "eur", "usd"]),
)


class Memory:
    """Of one record: what is written, and whether it was allowed."""

    def __init__(self) -> None:
        self.states: list[State] = []

    async def resolve(self, _id: str, _revision: int, state: State, **_: Any) -> bool:
        self.states.append(state)
        return True

    async def postpone(self, *_given: Any) -> bool:
        return True


@given(st.lists(EVIDENCE, max_size=4), st.sampled_from([State.IN_DOUBT, State.PENDING]), st.integers(0, 9))
def test_whatever_is_said_a_payment_ends_on_proof_or_with_a_human(evidence, state, asked) -> None:
    memory, told = Memory(), Told()
    write = settling(told, attempts=5).write
    ends = asyncio.run(write(memory, made(state=state, asked=asked), evidence, judged(*evidence)))

    assert [code for code, _ in told.events] == (["payment_unresolved"] if ends is State.UNRESOLVED else [])
    if ends in (State.SUCCEEDED, State.FAILED):
        assert any(each.verdict == ends and each.by_key for each in evidence)
    if asked >= 4:
        assert ends in (State.SUCCEEDED, State.FAILED, State.UNRESOLVED)
