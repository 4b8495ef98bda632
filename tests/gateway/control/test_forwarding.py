"""The component that runs the forwarder: it holds its policy, and lets what is under way end."""

from __future__ import annotations

import asyncio

import pytest

from gateway.control.forwarding import Forwarding
from gateway.database.sqlite import SqliteDatabase
from gateway.ledger.records import Query, State
from gateway.ledger.sql import SqlLedger
from gateway.parts import Config
from gateway.testing import scope
from tests.gateway.accepting import accepting, pay


@pytest.fixture
async def ledger(sqlite_path):
    database = SqliteDatabase(sqlite_path)
    await database.open()
    yield SqlLedger(database)
    await database.close()


def test_a_process_without_a_ledger_sends_nothing() -> None:
    assert Forwarding(Config(), scope()).jobs() == ()


async def test_it_looks_every_second_and_expires_also_where_nothing_accepts(ledger) -> None:
    async with accepting(ledger) as (client, _):
        jobs = client.component(Forwarding).jobs()

    assert [(job.name, job.every) for job in jobs] == [("send", 1.0), ("expire", 10.0)]


async def test_the_policy_is_held_open_while_it_sends(ledger) -> None:
    async with accepting(ledger) as (client, door):
        forwarding = client.component(Forwarding)
        serving = forwarding.scope.serving()  # type: ignore[attr-defined]
        await pay(client, "a")
        await door.open()
        go = asyncio.Event()
        door.will_answer(201, after=go)
        sending = asyncio.create_task(forwarding.send())
        await door.asked()
        assert serving.in_flight == 1
        go.set()
        await sending
        assert serving.in_flight == 0


async def test_what_is_under_way_when_the_gateway_stops_ends_and_nothing_else_begins(ledger) -> None:
    async with accepting(ledger) as (client, door):
        await pay(client, "a", "cus_1")
        await pay(client, "b", "cus_2")
        await door.open()
        go = asyncio.Event()
        door.will_answer(201, after=go)
        sending = asyncio.create_task(client.component(Forwarding).send())
        await door.asked()
        sending.cancel()
        await asyncio.sleep(0)
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await sending

    assert [record.state for record in await ledger.list(Query())] == [State.ACCEPTED, State.SUCCEEDED]
    assert len(door.seen) == 1
