"""Schedules on a database: how they are counted, and what is read of rows."""

from __future__ import annotations

import asyncio

import pytest

from gateway.database.protocol import DatabaseDown
from gateway.ledger.schedules import Phase
from gateway.ledger.sql import SqlLedger
from tests.gateway.conftest import Databases
from tests.gateway.planning import LONG, NOW, declined, plan, planned, there


async def test_a_change_is_on_its_way_whether_it_is_awaited_or_not(ledger: SqlLedger) -> None:
    made = await declined(ledger)
    change = ledger.schedules.add(plan(made), NOW, LONG)
    waits = asyncio.ensure_future(change)
    await asyncio.sleep(0)
    waits.cancel()
    await ledger.schedules.counts()

    assert not await ledger.schedules.add(plan(made), NOW, LONG)


async def test_what_is_awaited_twice_is_counted_once(ledger: SqlLedger) -> None:
    change = ledger.schedules.add(plan(await declined(ledger)), NOW, LONG)

    assert (await change, await change) == (True, True)
    assert ledger.schedules.results == {"scheduled": 1}


async def test_what_ended_several_counts_each(ledger: SqlLedger) -> None:
    for _ in range(3):
        await planned(ledger, method=b"m" * 32)

    assert await ledger.schedules.condemn(b"m" * 32, "other", "declined_for_good")
    assert ledger.schedules.results == {"scheduled": 3, "declined_for_good": 3}


async def test_text_that_a_database_cannot_hold_is_made_such(ledger: SqlLedger) -> None:
    made = await declined(ledger)
    assert await ledger.schedules.add(plan(made, code='a"b'), NOW, LONG)
    assert await ledger.schedules.cancel(made.id, by="human:\ud800", reason="a\0b")

    history = (await there(ledger, made.id)).history
    assert (history[0].reason, history[1].by, history[1].reason) == ('a"b', "human:?", "a\ufffdb")


async def test_a_list_reads_no_request_and_no_history(ledger: SqlLedger) -> None:
    await planned(ledger)

    [listed] = await ledger.schedules.list([Phase.WAITING], 5, None)
    assert (listed.request, listed.history) == (None, ())


async def test_a_ledger_that_is_away_says_so(databases: Databases) -> None:
    database = await databases()
    ledger = SqlLedger(database)
    made = await declined(ledger)
    await database.close()

    for change in (ledger.schedules.add(plan(made), NOW, LONG), ledger.schedules.take(1, LONG)):
        with pytest.raises(DatabaseDown):
            await change
