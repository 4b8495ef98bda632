"""The component that runs the retrier, counts what there is, and ends what nobody tries any more."""

from __future__ import annotations

import pytest

from gateway.control.retries import Retries, RetriesConfig
from gateway.database.sqlite import SqliteDatabase
from gateway.ledger.schedules import Phase
from gateway.ledger.sql import SqlLedger
from gateway.testing import running_gateway, scope
from tests.gateway.planning import LONG, NOW, planned, there
from tests.gateway.retrying import renew, retrying


@pytest.fixture
async def ledger(sqlite_path):
    database = SqliteDatabase(sqlite_path)
    await database.open()
    yield SqlLedger(database)
    await database.close()


def test_a_process_without_a_ledger_tries_nothing() -> None:
    made = Retries(RetriesConfig(), scope())

    assert (made.jobs(), made.counts, made.results) == ((), {}, {})


async def test_it_looks_as_often_as_the_policy_says(ledger) -> None:
    async with retrying(ledger) as (client, _):
        jobs = client.component(Retries).jobs()

    assert [(job.name, job.every) for job in jobs] == [("try", 0.05), ("expire", 60.0), ("count", 5.0), ("prune", 60.0)]


async def test_what_there_is_and_what_was_written_are_counted(ledger) -> None:
    async with retrying(ledger, "{after: [1d]}") as (client, shop):
        shop.declines(times=2)
        await renew(client, "a", "inv_1")
        await renew(client, "b", "inv_2")
        retries = client.component(Retries)
        await retries.count()

    assert retries.counts == {Phase.WAITING: 2, Phase.ATTEMPTING: 0}
    assert retries.results == {"scheduled": 2}


async def test_what_no_route_tries_any_more_ends_in_its_time_and_is_removed(ledger) -> None:
    made = await planned(ledger, NOW, NOW)
    waits = await planned(ledger, NOW, LONG)
    async with running_gateway("http://127.0.0.1:1", ledger=ledger) as client:
        retries = client.component(Retries)
        await retries.run()
        assert (await there(ledger, made.id)).state is Phase.WAITING
        await retries.expire()
        await ledger._database.write("UPDATE retries SET gone_at = 0 WHERE payment = $1 RETURNING $1", made.id)
        await retries.prune()

    assert await ledger.schedules.find(made.id) is None
    assert (await there(ledger, waits.id)).state is Phase.WAITING
