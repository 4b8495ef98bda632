"""Late outcomes: written once the ledger is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from gateway.database.postgres import PostgresDatabase
from gateway.database.protocol import DatabaseDown
from gateway.ledger import late
from gateway.ledger.late import LateOutcomes
from gateway.ledger.records import State
from gateway.ledger.sql import SqlLedger
from tests.gateway.ledger.conftest import LONG, entry, found, settlement
from tests.servers import Postgres

Start = Callable[[Coroutine[Any, Any, None]], object]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(late, "LONGEST_PAUSE", 0.05)


@pytest.fixture
async def tasks() -> AsyncIterator[list[asyncio.Task[None]]]:
    running: list[asyncio.Task[None]] = []
    yield running
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)


@pytest.fixture
def start(tasks: list[asyncio.Task[None]]) -> Start:
    def begin(work: Coroutine[Any, Any, None]) -> bool:
        tasks.append(asyncio.get_running_loop().create_task(work))
        return True

    return begin


async def test_what_a_server_could_not_take_is_written_once_it_is_back(
    own_postgres: Postgres, start: Start, tasks: list[asyncio.Task[None]]
) -> None:
    database = PostgresDatabase(own_postgres.url(await own_postgres.create()))
    await database.open()
    try:
        ledger, made = SqlLedger(database), [entry(), entry()]
        outcomes = LateOutcomes(ledger, start)
        for each in made:
            await ledger.begin(each, LONG)
        own_postgres.kill()
        for each in made:
            with pytest.raises(DatabaseDown):
                await ledger.settle(each.id, 1, settlement(State.SUCCEEDED))
            outcomes.add(each.id, 1, settlement(State.SUCCEEDED))
        assert len(outcomes) == 2

        own_postgres.start()
        await asyncio.gather(*tasks)

        assert len(tasks) == 1
        assert len(outcomes) == 0
        assert [(await found(ledger, each.id)).state for each in made] == [State.SUCCEEDED] * 2
    finally:
        await database.close()


async def test_what_was_settled_meanwhile_is_let_go(
    ledger: SqlLedger, start: Start, tasks: list[asyncio.Task[None]]
) -> None:
    made = entry()
    await ledger.begin(made, LONG)
    await ledger.settle(made.id, 1, settlement(State.FAILED))
    outcomes = LateOutcomes(ledger, start)

    outcomes.add(made.id, 1, settlement(State.SUCCEEDED))
    await asyncio.gather(*tasks)

    assert len(outcomes) == 0
    assert (await found(ledger, made.id)).state is State.FAILED


async def test_they_are_bounded_and_what_is_beyond_is_counted(ledger: SqlLedger, start: Start) -> None:
    outcomes = LateOutcomes(ledger, start, most=2)

    for _ in range(5):
        outcomes.add(entry().id, 1, settlement(State.SUCCEEDED))

    assert (len(outcomes), outcomes.dropped) == (2, 3)


async def test_where_nothing_more_may_run_the_next_begins_it(
    ledger: SqlLedger, start: Start, tasks: list[asyncio.Task[None]]
) -> None:
    answers = iter([False, True])

    def sometimes(work: Coroutine[Any, Any, None]) -> bool:
        if next(answers):
            return bool(start(work))
        work.close()
        return False

    outcomes = LateOutcomes(ledger, sometimes)
    made = [entry(), entry()]
    for each in made:
        await ledger.begin(each, LONG)
        outcomes.add(each.id, 1, settlement(State.SUCCEEDED))
    await asyncio.gather(*tasks)

    assert len(tasks) == 1
    assert [(await found(ledger, each.id)).state for each in made] == [State.SUCCEEDED] * 2


async def test_after_it_has_written_all_it_begins_anew(
    ledger: SqlLedger, start: Start, tasks: list[asyncio.Task[None]]
) -> None:
    outcomes = LateOutcomes(ledger, start)

    for _ in range(2):
        made = entry()
        await ledger.begin(made, LONG)
        outcomes.add(made.id, 1, settlement(State.SUCCEEDED))
        await asyncio.gather(*tasks)
        assert (await found(ledger, made.id)).state is State.SUCCEEDED

    assert len(tasks) == 2
