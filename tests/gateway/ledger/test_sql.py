"""The ledger on a database, against a model of it in plain Python."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from gateway.database.protocol import Database, DatabaseDown
from gateway.database.sqlite import SqliteDatabase
from gateway.ledger.records import SETTLED, Query, State
from gateway.ledger.sql import OPEN, SqlLedger
from tests.gateway.conftest import Databases
from tests.gateway.ledger.conftest import LONG, OVER, ROOM, entry, settlement

S = State
ASKED = (S.PENDING, S.IN_DOUBT, S.UNRESOLVED)
LATE = (S.SENT, *ASKED)
OUTCOMES = tuple(each for each in State if each not in (S.RESERVED, S.SENT))


async def test_a_change_can_be_awaited_twice_and_let_go(ledger: SqlLedger) -> None:
    made = entry()
    change = ledger.begin(made, LONG)
    waits = asyncio.ensure_future(change)
    await asyncio.sleep(0)
    waits.cancel()

    assert await ledger.settle(made.id, 1, settlement(S.SUCCEEDED))
    assert not await ledger.begin(made, LONG)


async def test_a_ledger_that_is_away_says_so(databases: Databases) -> None:
    database = await databases()
    ledger = SqlLedger(database)
    await database.close()

    for change in (ledger.begin(entry(), LONG), ledger.settle("id", 1, settlement(S.FAILED)), ledger.find("id")):
        with pytest.raises(DatabaseDown):
            await change


async def test_a_change_that_ends_in_no_state_of_an_owner_is_a_bug(ledger: SqlLedger) -> None:
    for state in (S.RESERVED, S.SENT):
        with pytest.raises(KeyError):
            ledger.settle("id", 1, settlement(state))


async def test_the_oldest_of_each_open_state_has_its_age(ledger: SqlLedger, database: Database) -> None:
    made = [entry(), entry()]
    for each in made:
        await ledger.begin(each, LONG)
    await database.write("UPDATE payments SET created_at = created_at - 100 WHERE id = $1 RETURNING $1", made[0].id)

    ages = await ledger.ages()

    assert 100 <= ages[S.SENT] < 160
    assert set(ages) == set(OPEN)
    assert ages[S.HELD] == 0


@dataclass
class Model:
    """A record as one would think of it.  True says that its time is over."""

    claim: bytes
    order: int
    state: State
    lease: bool
    due: bool | None
    keep: bool
    customer: str
    epoch: int = 1
    revision: int = 1
    promised: bool | None = None

    @property
    def gone(self) -> bool:
        return self.state in SETTLED and self.keep

    def go(self, state: State, due: bool | None = None) -> None:
        self.state, self.due, self.revision = state, due, self.revision + 1


TIMES = st.booleans()


class Machine(RuleBasedStateMachine):
    """Changes in any order, by owners who may be stale."""

    empty: Path
    folder: Path
    numbers = count()

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        path = Path(shutil.copy(self.empty, self.folder / f"{next(self.numbers)}.db"))
        self.database = SqliteDatabase(path)
        self.run(self.database.open())
        self.ledger = SqlLedger(self.database)
        self.records: dict[str, Model] = {}

    def run(self, work: Awaitable[Any]) -> Any:
        async def done() -> Any:
            return await work

        return self.loop.run_until_complete(done())

    def teardown(self) -> None:
        self.run(self.database.close())
        self.loop.close()
        self.database.path.unlink()

    def one(self, data: st.DataObject) -> tuple[str, Model, int]:
        """A record, and an epoch that may be stale."""
        id = data.draw(st.sampled_from(sorted(self.records)))  # noqa: A001
        record = self.records[id]
        return id, record, data.draw(st.sampled_from([record.epoch, record.epoch, max(1, record.epoch - 1)]))

    @rule(claim=st.integers(0, 3), lease=TIMES, keep=TIMES, begins=TIMES, customer=st.sampled_from("ab"))
    def make(self, claim: int, lease: bool, keep: bool, begins: bool, customer: str) -> None:
        made = entry(claim=bytes([claim]), keep=OVER if keep else LONG, customer=customer)
        lasts = OVER if lease else LONG
        taken = any(each.claim == made.claim for each in self.records.values())

        done = self.run(self._made(made, lasts, begins))

        assert done is not taken
        if done:
            state = S.SENT if begins else S.RESERVED
            self.records[made.id] = Model(bytes([claim]), len(self.records), state, lease, lease, keep, customer)

    async def _made(self, made: Any, lasts: float, begins: bool) -> bool:
        return await (self.ledger.begin if begins else self.ledger.reserve)(made, lasts)

    @precondition(lambda self: self.records)
    @rule(data=st.data(), lease=TIMES)
    def reserve_again(self, data: st.DataObject, lease: bool) -> None:
        id, record, epoch = self.one(data)  # noqa: A001
        may = record.state is S.RELEASED or (record.state is S.RESERVED and record.lease and record.promised is None)

        async def change() -> bool:
            return await self.ledger.reserve_again(id, epoch, entry(), OVER if lease else LONG)

        assert self.run(change()) is (may and epoch == record.epoch)
        if may and epoch == record.epoch:
            record.go(S.RESERVED, lease)
            record.epoch, record.lease = record.epoch + 1, lease

    @precondition(lambda self: self.records)
    @rule(data=st.data(), lease=TIMES)
    def send(self, data: st.DataObject, lease: bool) -> None:
        id, record, epoch = self.one(data)  # noqa: A001
        may = record.state is S.RESERVED and not record.lease and epoch == record.epoch

        async def change() -> bool:
            return await self.ledger.send(id, epoch, OVER if lease else LONG)

        assert self.run(change()) is may
        if may:
            record.go(S.SENT, record.due)
            record.lease = lease

    @precondition(lambda self: self.records)
    @rule(data=st.data(), to=st.sampled_from(OUTCOMES), due=TIMES)
    def settle(self, data: st.DataObject, to: State, due: bool) -> None:
        id, record, epoch = self.one(data)  # noqa: A001
        origins = {
            S.SUCCEEDED: LATE,
            S.FAILED: (S.RESERVED, *LATE),
            S.RELEASED: (S.RESERVED, S.SENT, S.IN_DOUBT) if record.promised is None else (),
            S.ACCEPTED: (S.RESERVED, S.SENT, S.IN_DOUBT) if record.promised is not None else (),
            S.HELD: (S.RESERVED, S.SENT),
            S.PENDING: LATE,
            S.IN_DOUBT: (S.SENT, S.IN_DOUBT),
            S.UNRESOLVED: (S.SENT, S.PENDING, S.IN_DOUBT),
        }
        may = record.state in origins[to] and epoch == record.epoch
        asks = to in (S.PENDING, S.IN_DOUBT)

        async def change() -> bool:
            known = settlement(to, due_in=(OVER if due else LONG) if asks else None)
            return await self.ledger.settle(id, epoch, known)

        assert self.run(change()) is may
        if may:
            record.go(to, due if asks else record.promised if to is S.ACCEPTED else None)

    @precondition(lambda self: self.records)
    @rule(data=st.data(), over=TIMES)
    def accept(self, data: st.DataObject, over: bool) -> None:
        id, record, epoch = self.one(data)  # noqa: A001
        may = record.state in (S.RESERVED, S.SENT) and epoch == record.epoch

        async def change() -> bool:
            return await self.ledger.accept(id, epoch, b"", b"{}", **ROOM, within=OVER if over else LONG)

        assert self.run(change()) is may
        if may:
            record.go(S.ACCEPTED, over)
            record.promised = over

    @precondition(lambda self: self.records)
    @rule(data=st.data(), to=st.sampled_from(State), stale=TIMES)
    def resolve(self, data: st.DataObject, to: State, stale: bool) -> None:
        id, record, _ = self.one(data)  # noqa: A001
        ends = (S.SUCCEEDED, S.FAILED, S.RELEASED, *ASKED)
        may = record.state in ASKED and to in ends
        may = not stale and (may or (record.state in (S.ACCEPTED, S.HELD) and to is S.FAILED))

        async def change() -> bool:
            due = LONG if to in (S.PENDING, S.IN_DOUBT) else None
            return await self.ledger.resolve(id, record.revision - stale, to, by="test", reason="", due_in=due)

        assert self.run(change()) is may
        if may:
            record.go(to, False if to in (S.PENDING, S.IN_DOUBT) else None)
            record.promised = None if to is S.RELEASED else record.promised

    @precondition(lambda self: self.records)
    @rule(data=st.data(), lease=TIMES)
    def resend(self, data: st.DataObject, lease: bool) -> None:
        id, record, _ = self.one(data)  # noqa: A001

        epoch = self.run(self.ledger.resend(id, record.revision, OVER if lease else LONG))

        assert epoch == (record.epoch + 1 if record.state in ASKED else None)
        if epoch is not None:
            record.epoch, record.revision, record.lease = epoch, record.revision + 1, lease

    @rule(limit=st.integers(1, 3))
    def take_due(self, limit: int) -> None:
        due = {
            id
            for id, each in self.records.items()  # noqa: A001
            if each.due and (each.state in (S.PENDING, S.IN_DOUBT) or (each.state is S.SENT and each.lease))
        }

        taken = self.run(self.ledger.take_due(limit, LONG))

        assert {each.id for each in taken} <= due
        assert len(taken) == min(limit, len(due))
        for each in taken:
            record = self.records[each.id]
            record.go(S.IN_DOUBT if record.state is S.SENT else record.state, due=False)

    @rule(limit=st.integers(1, 3))
    def free_expired(self, limit: int) -> None:
        over = [each for each in self.records.values() if each.state is S.RESERVED and each.due]

        assert self.run(self.ledger.free_expired(limit)) == min(limit, len(over))

        for id, record in self.records.items():  # noqa: A001
            found = self.run(self.ledger.find(id))
            if found.epoch != record.epoch:
                assert record in over
                record.go(S.RELEASED if record.promised is None else S.ACCEPTED, record.promised)
                record.epoch += 1

    @rule(lease=TIMES)
    def take_accepted(self, lease: bool) -> None:
        free = {}
        for id, each in sorted(self.records.items(), key=lambda item: item[0], reverse=True):  # noqa: A001
            if each.promised is not None and each.state is S.ACCEPTED:
                free[each.customer] = id
        for each in self.records.values():
            if each.promised is not None and each.state in (S.RESERVED, S.SENT):
                free.pop(each.customer, None)
        ready = sorted(id for id in free.values() if not self.records[id].due)  # noqa: A001

        taken = self.run(self.ledger.take_accepted(10, OVER if lease else LONG))

        assert [each.id for each in taken] == ready
        for id in ready:  # noqa: A001
            record = self.records[id]
            record.go(S.RESERVED, lease)
            record.epoch, record.lease = record.epoch + 1, lease

    @rule()
    def expire_accepted(self) -> None:
        over = {id for id, each in self.records.items() if each.state is S.ACCEPTED and each.due}  # noqa: A001

        assert set(self.run(self.ledger.expire_accepted(10))) == over

        for id in over:  # noqa: A001
            self.records[id].go(S.FAILED)
            self.records[id].epoch += 1

    @rule()
    def prune(self) -> None:
        gone = [id for id, each in self.records.items() if each.gone]  # noqa: A001

        assert self.run(self.ledger.prune(100)) == len(gone)

        for id in gone:  # noqa: A001
            del self.records[id]

    @invariant()
    def agrees(self) -> None:
        found = {each.id: (each.state, each.epoch, each.revision) for each in self.run(self.ledger.list(Query()))}
        assert found == {id: (each.state, each.epoch, each.revision) for id, each in self.records.items()}  # noqa: A001
        counted = self.run(self.ledger.counts())
        assert sum(counted.values()) == sum(each.state not in SETTLED for each in self.records.values())


@pytest.fixture
def machine(migrated_file: Path, tmp_path: Path) -> Iterator[type[Machine]]:
    Machine.empty, Machine.folder = migrated_file, tmp_path
    return Machine


def test_it_does_what_its_model_does_whatever_comes_in_whatever_order(machine: type[Machine]) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
