"""Payments in doubt over real ledgers: what resolvers say is what becomes of them, and nothing else."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.database.protocol import DatabaseDown
from gateway.ledger.records import Evidence, Query, Record, Settlement, State
from gateway.ledger.recovery import RUN, BackoffConfig, Recovery, RecoveryConfig
from gateway.ledger.sql import SqlLedger
from gateway.parts import Config, Resolver
from gateway.telemetry.masking import Masking
from gateway.testing import HandScope
from tests.gateway.ledger.conftest import LONG, OVER, brought, found

PAGE = (Path(__file__).parents[3] / "docs" / "recovery.md").read_text()
PAID = Evidence("bank", "succeeded", by_key=True, amount=1999, currency="eur")
DECLINED = Evidence("bank", "failed", by_key=True)
ABSENT = Evidence("bank", "absent", by_key=True)
PENDING = Evidence("bank", "pending", by_key=True)
UNKNOWN = Evidence("bank", "unknown", detail="answered 500")

Answer = Evidence | None | Exception | Callable[[Record], Awaitable[Evidence | None]]


class Bank(Resolver[Config]):
    """Says what it is told to say; the last of it again and again."""

    name = "bank"

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked: list[Record] = []

    async def ask(self, record: Record) -> Evidence | None:
        self.asked.append(record)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return await answer(record) if callable(answer) else answer


@dataclass
class LookUp:
    linearizable: bool = False
    never_executes_after: float | None = None


@dataclass
class Times:
    total: float = 0.02


@dataclass
class Declared:
    look_up: LookUp = field(default_factory=LookUp)
    timeouts: Times = field(default_factory=Times)


@dataclass
class Policy:
    """What serves: resolvers, and what is declared of the one upstream."""

    resolvers: Sequence[Resolver[Any]] = ()
    upstream: Declared | None = field(default_factory=Declared)
    in_flight: int = 0

    def declared(self, upstream: str) -> Declared | None:
        return self.upstream if upstream == "backend" else None

    def enter(self) -> None:
        self.in_flight += 1

    def leave(self) -> None:
        self.in_flight -= 1


@dataclass
class CoreHandScope(HandScope):
    policy: Policy = field(default_factory=Policy)
    masks: Masking = field(default_factory=Masking)

    def serving(self) -> Policy:
        return self.policy


def recovery(ledger: SqlLedger | None, *resolvers: Resolver[Any], upstream: Any = None, **options: Any) -> Recovery:
    policy = Policy(resolvers, upstream or Declared())
    given = {"rate": 10_000, "backoff": {"first": "0s"}, "resolvers": ["bank"] * len(resolvers), **options}
    return Recovery(RecoveryConfig.model_validate(given), CoreHandScope(records=ledger, policy=policy))


def lent(recovery: Recovery) -> CoreHandScope:
    assert isinstance(recovery.scope, CoreHandScope)
    return recovery.scope


async def lost(ledger: SqlLedger) -> Record:
    """Sent by a gateway that was lost."""
    return await brought(ledger, State.SENT, lease=OVER)


async def after(ledger: SqlLedger, record: Record, *resolvers: Resolver[Any], **options: Any) -> Record:
    await recovery(ledger, *resolvers, **options).run()
    return await found(ledger, record.id)


# what becomes of a payment


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        (PAID, State.SUCCEEDED, "confirmed"),
        (DECLINED, State.FAILED, "confirmed"),
        (PENDING, State.PENDING, "still_pending"),
    ],
)
async def test_what_a_lost_gateway_had_sent_is_what_the_bank_says_of_our_key(ledger, said, state, reason) -> None:
    record = await after(ledger, await lost(ledger), Bank(said))

    assert (record.state, record.reason) == (state, reason)
    assert [(each.state, each.by, each.reason) for each in record.history[-2:]] == [
        (State.IN_DOUBT, "recovery", "owner_lost"),
        (state, "bank", reason),
    ]
    [answer] = record.trail["answers"]
    assert (answer["resolver"], answer["verdict"], answer["by_key"]) == ("bank", said.verdict, True)


async def test_what_its_owner_still_follows_is_left_to_it(ledger) -> None:
    bank = Bank(PAID)
    record = await after(ledger, await brought(ledger, State.SENT, lease=LONG), bank)

    assert (record.state, bank.asked) == (State.SENT, [])


async def test_where_nobody_knows_it_is_asked_again_and_in_the_end_a_human_must_decide(ledger) -> None:
    bank, record = Bank(UNKNOWN), await lost(ledger)
    asking = recovery(ledger, bank, attempts=3)
    for asked in (1, 2):
        await asking.run()
        record = await found(ledger, record.id)
        assert (record.state, record.asked, record.due_at is not None) == (State.IN_DOUBT, asked, True)
    await asking.run()
    record = await found(ledger, record.id)

    assert (record.state, record.reason, record.due_at) == (State.UNRESOLVED, "nobody_knows", None)
    assert [(code, severity) for code, severity, _ in lent(asking).events] == [("payment_unresolved", "critical")]
    assert lent(asking).events[0][2]["payment"] == record.id
    assert asking.results == {"postponed": 2, "unresolved": 1}
    assert asking.told.answers == {("bank", "unknown"): 3}
    await asking.run()
    assert len(bank.asked) == 3


async def test_a_pause_comes_before_the_next_question(ledger) -> None:
    bank, record = Bank(UNKNOWN), await lost(ledger)
    asking = recovery(ledger, bank, backoff={"first": "1000s", "most": "1000s"})
    await asking.run()
    await asking.run()

    assert len(bank.asked) == 1
    record = await found(ledger, record.id)
    assert record.due_at is not None
    assert record.due_at <= await ledger.now() + 1000


async def test_with_nobody_to_ask_a_human_must_decide_at_once(ledger) -> None:
    record = await after(ledger, await lost(ledger))

    assert (record.state, record.reason) == (State.UNRESOLVED, "nobody_to_ask")


async def test_those_who_have_nothing_to_say_are_nobody(ledger) -> None:
    record = await after(ledger, await lost(ledger), Bank(None), Bank(None))

    assert (record.state, record.reason) == (State.UNRESOLVED, "nobody_to_ask")


async def test_the_next_is_asked_only_where_those_before_could_not_tell(ledger) -> None:
    first, second, third = Bank(OSError("away")), Bank(PAID), Bank(PAID)
    record = await after(ledger, await lost(ledger), first, second, third)

    assert record.state is State.SUCCEEDED
    assert [len(each.asked) for each in (first, second, third)] == [1, 1, 0]
    assert [each["verdict"] for each in record.trail["answers"]] == ["unknown", "succeeded"]
    assert record.trail["answers"][0]["detail"] == "could not be asked: OSError"


async def test_one_that_cannot_be_asked_makes_no_payment_a_humans(ledger) -> None:
    record = await after(ledger, await lost(ledger), Bank(OSError("away")))

    assert (record.state, record.asked) == (State.IN_DOUBT, 1)


async def test_one_that_takes_too_long_is_not_waited_for(ledger) -> None:
    async def never(_record: Record) -> Evidence | None:
        await asyncio.Event().wait()
        return PAID

    asking, record = recovery(ledger, Bank(never), timeout="20ms"), await lost(ledger)
    await asking.run()

    assert (await found(ledger, record.id)).state is State.IN_DOUBT
    assert asking.told.answers == {("bank", "timed_out"): 1}


async def test_another_amount_is_another_payment_and_a_humans(ledger) -> None:
    said = Evidence("bank", "succeeded", by_key=True, amount=199, currency="eur")
    record = await after(ledger, await lost(ledger), Bank(said))

    assert (record.state, record.reason) == (State.UNRESOLVED, "amount_differs")


async def test_those_who_contradict_each_other_are_a_humans(ledger) -> None:
    unsure = Evidence("bank", "succeeded", by_key=True)
    record = await after(ledger, await lost(ledger), Bank(unsure), Bank(DECLINED))

    assert (record.state, record.reason) == (State.UNRESOLVED, "evidence_conflicts")


async def test_a_miss_counts_only_once_the_upstream_can_begin_no_more(ledger) -> None:
    upstream = Declared(LookUp(linearizable=True, never_executes_after=0.05))
    asking, record = recovery(ledger, Bank(ABSENT), upstream=upstream), await lost(ledger)
    await asking.run()
    early = await found(ledger, record.id)
    assert (early.state, early.asked) == (State.IN_DOUBT, 1)
    while (record := await found(ledger, record.id)).state is State.IN_DOUBT:
        await asking.run()

    assert (record.state, record.reason) == (State.FAILED, "not_executed")
    assert record.asked == 2, "asked again at the very time from which on it counts"


async def test_a_miss_counts_also_where_sending_it_again_told_nothing(ledger) -> None:
    async def sends(record: Record) -> Evidence | None:
        await ledger.resend(record.id, record.revision, OVER)
        return Evidence("replay", "unknown", detail="answered 401")

    upstream = Declared(LookUp(linearizable=True, never_executes_after=0.05))
    asking, record = recovery(ledger, Bank(ABSENT), Bank(sends), upstream=upstream), await lost(ledger)
    await asking.run()
    while (record := await found(ledger, record.id)).state is State.IN_DOUBT:
        await asking.run()

    assert (record.state, record.reason, record.asked) == (State.FAILED, "not_executed", 2)


@pytest.mark.parametrize(
    "look_up", [LookUp(), LookUp(linearizable=True), LookUp(never_executes_after=0.0)], ids=["none", "late", "stale"]
)
async def test_a_miss_proves_nothing_where_the_upstream_promises_less(ledger, look_up) -> None:
    asking, record = recovery(ledger, Bank(ABSENT), upstream=Declared(look_up), attempts=3), await lost(ledger)
    for _ in range(3):
        await asking.run()
    record = await found(ledger, record.id)

    assert (record.state, record.reason) == (State.UNRESOLVED, "absence_proves_nothing")


async def test_a_miss_proves_nothing_of_an_upstream_that_the_policy_no_longer_has(ledger) -> None:
    asking, record = recovery(ledger, Bank(ABSENT), attempts=1), await lost(ledger)
    lent(asking).policy.upstream = None
    await asking.run()

    assert (await found(ledger, record.id)).state is State.UNRESOLVED


async def test_what_is_pending_stays_so_until_it_is_through(ledger) -> None:
    record = await brought(ledger, State.SENT)
    due = Settlement(State.PENDING, "", "answered", 1, status=202, due_in=0.0)
    await ledger.settle(record.id, record.epoch, due)
    asking = recovery(ledger, Bank(PENDING, PAID))
    await asking.run()
    assert (await found(ledger, record.id)).state is State.PENDING
    await asking.run()

    assert (await found(ledger, record.id)).state is State.SUCCEEDED
    assert asking.results == {"postponed": 1, "succeeded": 1}


# several at once


async def test_a_late_answer_of_its_owner_comes_before_what_the_bank_says(ledger) -> None:
    record = await lost(ledger)

    async def answers(_record: Record) -> Evidence | None:
        late = Settlement(State.SUCCEEDED, "", "answered", 1, status=201)
        assert await ledger.settle(record.id, record.epoch, late)
        return DECLINED

    asking = recovery(ledger, Bank(answers))
    await asking.run()
    record = await found(ledger, record.id)

    assert (record.state, record.history[-1].by) == (State.SUCCEEDED, "gateway")
    assert asking.results == {"settled_meanwhile": 1, "conflict": 1}
    assert [code for code, *_ in lent(asking).events] == ["payment_conflict"]


async def test_two_gateways_ask_after_each_payment_once(ledger, other) -> None:
    records = [await lost(ledger) for _ in range(30)]
    bank, meeting = Bank(PAID), asyncio.Barrier(2)

    async def at_once(recovery: Recovery) -> None:
        await meeting.wait()
        await recovery.run()

    await asyncio.gather(*(at_once(recovery(each, bank, batch=7)) for each in (ledger, other)))

    assert Counter(each.id for each in bank.asked) == Counter(each.id for each in records)
    assert {(await found(ledger, each.id)).state for each in records} == {State.SUCCEEDED}


async def test_a_run_goes_on_until_nothing_is_due(ledger) -> None:
    for _ in range(5):
        await lost(ledger)
    asking = recovery(ledger, Bank(PAID), batch=2)
    await asking.run()

    assert asking.results == {"succeeded": 5}
    assert [each.state for each in await ledger.list(Query())] == [State.SUCCEEDED] * 5


async def test_one_that_cannot_be_written_costs_the_others_nothing(ledger) -> None:
    first, second = await lost(ledger), await lost(ledger)

    async def breaks(record: Record) -> Evidence | None:
        if record.id == first.id:
            lent(asking).records = Broken()
        return PAID

    class Broken(SqlLedger):
        def __init__(self) -> None: ...

        def resolve(self, id: str, *given: Any, **more: Any) -> Any:  # noqa: A002
            return _down() if id == first.id else ledger.resolve(id, *given, **more)

        async def find(self, id: str) -> Any:  # noqa: A002
            return await ledger.find(id)

    async def _down() -> bool:
        raise DatabaseDown("gone")

    asking = recovery(ledger, Bank(breaks))
    lent(asking).records = ledger
    with pytest.raises(DatabaseDown):
        await asking.run()

    assert (await found(ledger, first.id)).state is State.IN_DOUBT
    assert (await found(ledger, second.id)).state is State.SUCCEEDED


async def test_the_policy_is_held_open_while_it_is_asked_by(ledger) -> None:
    held: list[int] = []

    async def looks(_record: Record) -> Evidence | None:
        held.append(lent(asking).policy.in_flight)
        return PAID

    await lost(ledger)
    asking = recovery(ledger, Bank(looks))
    await asking.run()

    assert (held, lent(asking).policy.in_flight) == ([1], 0)


# what the process runs


def test_a_process_without_a_ledger_has_nothing_to_recover() -> None:
    asking = recovery(None)

    assert (asking.jobs(), asking.checks()) == ((), ())


async def test_its_check_says_how_many_wait_for_a_human_and_fails_where_it_does_not_run(ledger) -> None:
    await lost(ledger)
    asking = recovery(ledger)
    [check] = asking.checks()
    await asking.run()
    assert await check.run() == "1 unresolved payments wait for a human"
    lent(asking).clock.advance(RUN + 3 * asking.config.every + 1)

    with pytest.raises(RuntimeError, match="last asked after 46 s ago"):
        await check.run()


def test_a_run_may_take_longer_than_it_begins_batches() -> None:
    asking = recovery(SqlLedger.__new__(SqlLedger), Bank(PAID), Bank(PAID))
    [job] = asking.jobs()

    assert (job.name, job.every) == ("ask", 5.0)
    assert job.timeout > RUN


# options


@pytest.mark.parametrize(("name", "kind"), [("recovery", RecoveryConfig), ("backoff", BackoffConfig)])
def test_the_page_has_each_option_with_its_default(name, kind) -> None:
    defaults = kind().model_dump(mode="json")

    def default(name: str) -> str:
        return "–" if isinstance(defaults[name], dict | list) else f"`{defaults[name]}`"

    said = {
        f"| `{name}` | {default(name)} | {' '.join((field.description or '').split()).removesuffix('.')} |"
        for name, field in kind.model_fields.items()
    }
    table = PAGE.partition(f"| option of `{name}` |")[2].partition("\n\n")[0]

    assert set(re.findall(r"^\| `[a-z_]+` \|.*$", table, re.MULTILINE)) == said


def test_a_resolver_is_written_as_it_is_read() -> None:
    written = ["replay", {"status_url": {"url": "http://a/{key}"}}]
    config = RecoveryConfig.model_validate({"resolvers": written})

    assert config.model_dump(mode="json")["resolvers"] == written
    assert RecoveryConfig.model_validate({"resolvers": config.resolvers}) == config
    assert RecoveryConfig.model_validate({"resolvers": [{"replay": None}]}).resolvers[0].options == {}


@pytest.mark.parametrize("written", [5, None, [], {}, {"a": {}, "b": {}}])
def test_what_is_no_resolver_is_told_how_to_write_one(written) -> None:
    with pytest.raises(ValidationError, match="write `- name`"):
        RecoveryConfig.model_validate({"resolvers": [written]})
