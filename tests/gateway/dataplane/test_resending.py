"""What was sent and not answered is sent once more, as it was, and its answer settles it; over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from gateway.crypto.keyring import LocalKeyring
from gateway.database.sqlite import SqliteDatabase
from gateway.ledger.records import Query, Record, State
from gateway.ledger.recovery import Recovery
from gateway.ledger.sql import SqlLedger
from gateway.testing import Backend, Client, backend, running_gateway

KEYRING = LocalKeyring.parse("1:" + "11" * 32)
BODY = b'{"amount": 1999, "currency": "eur", "note": "as  it was"}'
PAYING = {"x-user-id": "ada", "idempotency-key": "a", "content-type": "application/json", "authorization": "Bearer ada"}


@pytest.fixture
async def ledger(sqlite_path) -> AsyncIterator[SqlLedger]:
    database = SqliteDatabase(sqlite_path)
    await database.open()
    yield SqlLedger(database)
    await database.close()


def policy(url: str, resolver: Any = "replay", promise: Any = None, **changes: Any) -> str:
    recovery = {"stuck_after": "0s", "resolvers": [resolver], "backoff": {"first": "0s"}, "attempts": 2}
    upstream = {
        "url": url,
        "timeouts": {"first_byte": "100ms", "total": "1s"},
        "idempotent": promise or {"window": "1h"},
    }
    payment = {"operation": "payment.create", "amount": "/amount", "currency": "/currency"}
    route = {"name": "pay", "match": {"path": "/v1/payments"}, "upstream": "backend", "payment": payment}
    filters = [{"principal": {"header": "x-user-id", "from": "any"}}, "idempotency"]
    whole = {
        "version": 1,
        "components": {"recovery": recovery, **changes.pop("components", {})},
        "upstreams": {"backend": upstream | changes.pop("upstream", {})},
        "routes": [{**route, "filters": filters, **changes}],
    }
    return orjson.dumps(whole).decode()


@asynccontextmanager
async def in_doubt(
    ledger: SqlLedger, *given: Any, environ: Any = None, keyring: Any = KEYRING, **changes: Any
) -> AsyncIterator[tuple[Client, Backend]]:
    """A gateway of whose payment nobody heard any more, and the backend that did not answer."""
    async with backend() as bank:
        text = policy(bank.url + changes.pop("path", ""), *given, **changes)
        async with running_gateway(policy=text, ledger=ledger, keyring=keyring, environ=environ) as client:
            held = asyncio.Event()
            bank.will_answer(201, after=held)
            answer = await client.post("/v1/payments", content=BODY, headers=PAYING, params={"a": "b"})
            assert answer.status_code == 504
            yield client, bank
            held.set()


async def recover(client: Client) -> None:
    await client.component(Recovery).run()


async def only(ledger: SqlLedger) -> Record:
    [listed] = await ledger.list(Query())
    record = await ledger.find(listed.id)
    assert record is not None
    return record


async def test_it_is_sent_as_it_was_under_the_same_key(ledger) -> None:
    async with in_doubt(ledger) as (client, bank):
        bank.will_answer(201, json={"id": "pi_1"})
        await recover(client)

    first, second = bank.seen
    assert (first.method, first.target, first.body) == (second.method, second.target, second.body)
    assert second.body == BODY
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    without = ("authorization",)
    assert [pair for pair in first.headers.items() if pair[0] not in without] == list(second.headers.items())
    record = await only(ledger)
    assert (record.state, record.history[-1].by, record.epoch) == (State.SUCCEEDED, "replay", 2)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, State.SUCCEEDED),
        (202, State.PENDING),
        (402, State.FAILED),
        (400, State.IN_DOUBT),
        (401, State.IN_DOUBT),
        (404, State.IN_DOUBT),
        (409, State.IN_DOUBT),
        (422, State.IN_DOUBT),
        (429, State.IN_DOUBT),
        (500, State.IN_DOUBT),
        (503, State.IN_DOUBT),
    ],
)
async def test_only_what_looks_at_the_payment_settles_it(ledger, status, state) -> None:
    async with in_doubt(ledger) as (client, bank):
        bank.will_answer(status, json={})
        await recover(client)

    assert (await only(ledger)).state is state


async def test_a_refusal_that_the_route_knows_settles_it(ledger) -> None:
    outcomes = [{"status": 422, "code": "insufficient_funds", "outcome": "failed"}]
    async with in_doubt(ledger, outcomes=outcomes) as (client, bank):
        bank.will_answer(422, json={"code": "insufficient_funds"})
        await recover(client)

    assert (await only(ledger)).state is State.FAILED


async def test_what_the_route_calls_released_is_no_word_on_the_first_time(ledger) -> None:
    outcomes = [{"status": 422, "outcome": "released"}]
    async with in_doubt(ledger, outcomes=outcomes) as (client, bank):
        bank.will_answer(422, json={})
        await recover(client)

    assert (await only(ledger)).state is State.IN_DOUBT


async def test_an_answer_that_is_lost_again_leaves_it_in_doubt(ledger) -> None:
    async with in_doubt(ledger) as (client, bank):
        held = asyncio.Event()
        bank.will_answer(201, after=held)
        await recover(client)
        record = await only(ledger)
        assert (record.state, record.asked) == (State.IN_DOUBT, 1)
        assert record.trail["answers"][0]["detail"] == "upstream_first_byte_timeout"
        await recover(client)
        held.set()

    assert (await only(ledger)).state is State.SUCCEEDED
    assert len(bank.seen) == 3


async def test_credentials_that_the_policy_names_take_the_place_of_the_callers(ledger) -> None:
    resolver = {"replay": {"headers": {"Authorization": "env:TOKEN"}}}
    async with in_doubt(ledger, resolver, environ={"TOKEN": "Bearer ours"}) as (client, bank):
        await recover(client)

    assert [each.headers["authorization"] for each in bank.seen] == ["Bearer ada", "Bearer ours"]


async def test_no_credential_takes_the_place_of_the_key(ledger) -> None:
    resolver = {"replay": {"headers": {"Idempotency-Key": "env:TOKEN"}}}
    async with in_doubt(ledger, resolver, environ={"TOKEN": "another"}) as (client, bank):
        await recover(client)

    first, second = (each.headers["idempotency-key"] for each in bank.seen)
    assert first == second != "another"


@pytest.mark.parametrize(
    "changes",
    [
        {"promise": {"window": "1s"}},
        {"promise": {"window": "1h", "header": "x-key"}},
        {"components": {"ledger": {"bodies": {"most": 50}}}},
        {"keyring": None},
    ],
    ids=["the window is too short", "another header", "too large to keep", "nothing to seal with"],
)
async def test_nothing_is_sent_where_it_may_not_or_cannot_be(ledger, changes) -> None:
    async with in_doubt(ledger, **changes) as (client, bank):
        await recover(client)

    record = await only(ledger)
    assert (len(bank.seen), record.state, record.reason) == (1, State.UNRESOLVED, "nobody_to_ask")


async def test_a_key_that_is_gone_is_told_and_asked_for_again(ledger) -> None:
    async with in_doubt(ledger) as (_, bank):
        text = policy(bank.url)
        lost = LocalKeyring.parse("2:" + "22" * 32)
        async with running_gateway(policy=text, ledger=ledger, keyring=lost) as later:
            await recover(later)

    record = await only(ledger)
    assert (len(bank.seen), record.state) == (1, State.IN_DOUBT)
    assert record.trail["answers"][0]["detail"] == "could not be asked: Unreadable"


async def test_an_upstream_whose_guard_refuses_is_asked_later(ledger) -> None:
    breaker = {"circuit_breaker": {"minimum_calls": 1, "failure_rate": 0.5, "open_for": "1h"}}
    async with in_doubt(ledger, upstream={"guards": [breaker]}) as (client, bank):
        await recover(client)

    assert (len(bank.seen), (await only(ledger)).state) == (1, State.IN_DOUBT)


@pytest.mark.parametrize(
    ("changes", "states"),
    [({}, ["reserved", "sent", "in_doubt"]), ({"upstream": {"idempotent": False}}, ["sent", "in_doubt"])],
    ids=["idempotent", "not"],
)
async def test_a_request_is_kept_only_where_it_may_have_to_be_sent_again(ledger, changes, states) -> None:
    async with in_doubt(ledger, **changes):
        record = await only(ledger)

    assert [each.state.value for each in record.history] == states
    assert (record.request is not None) == ("reserved" in states)
