"""/api/v1/payments over a real ledger."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from gateway.audit.protocol import Unkept
from gateway.ids import payment_id
from gateway.ledger.claims import claim_of
from gateway.ledger.records import Entry, Record, Settlement, State
from gateway.ledger.sql import SqlLedger
from tests.gateway.admin.admins import ELSEWHERE, TOKENS, client, state

PAYMENTS = "/api/v1/payments"
TWO = ("succeeded", "failed")


async def payment(ledger: SqlLedger, became: State | None = State.SUCCEEDED, **given: Any) -> Record:
    """One that was sent, and what became of it."""
    fields = {"route": "create-payment", "amount": 4200, "currency": "eur", "owner": "ada", "request_id": "r1"} | given
    entry = Entry(
        payment_id(), operation="payment.create", upstream="backend", trace_id="t", policy="p", keep=9.0, **fields
    )
    assert await ledger.begin(entry, 60.0)
    if became is not None:
        assert await ledger.settle(entry.id, 1, Settlement(became, "", "answered", 1, 200, trail=b"{}", due_in=600.0))
    record = await ledger.find(entry.id)
    assert record is not None
    return record


async def asked(ledger: SqlLedger | None, **parameters: Any) -> dict[str, Any]:
    async with client(state(ledger=lambda: ledger, routes=lambda: ["create-payment", "other"])) as local:
        answer = await local.get(PAYMENTS, params=parameters)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_a_list_is_newest_first_and_says_of_each_what_it_is(ledger: SqlLedger) -> None:
    first, second = await payment(ledger), await payment(ledger, State.IN_DOUBT)
    document = await asked(ledger)
    assert [each["id"] for each in document["items"]] == [second.id, first.id]
    assert document["next"] is None
    assert (
        document["items"][1]
        | {
            "state": "succeeded",
            "route": "create-payment",
            "operation": "payment.create",
            "amount": 4200,
            "currency": "eur",
            "request_id": "r1",
        }
        == document["items"][1]
    )
    assert document["items"][1]["created_at"].endswith("Z")


async def test_pages_follow_each_other_without_gap_or_repeat(ledger: SqlLedger) -> None:
    made = [(await payment(ledger)).id for _ in range(5)]
    found, cursor = [], None
    while True:
        page = await asked(ledger, limit=2, **({"cursor": cursor} if cursor else {}))
        found += [each["id"] for each in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert found == made[::-1]


@pytest.mark.parametrize(
    "parameters",
    [
        {"state": "in_doubt"},
        {"state": "in_doubt,pending"},
        {"route": "refunds"},
        {"owner": "bob"},
        {"least": 9000},
        {"currency": "usd"},
        {"request_id": "r2"},
        {"customer": "cus_2"},
    ],
)
async def test_each_parameter_finds_what_it_asks_for(ledger: SqlLedger, parameters: dict[str, Any]) -> None:
    await payment(ledger)
    other = await payment(
        ledger,
        State.IN_DOUBT,
        route="refunds",
        owner="bob",
        amount=9000,
        currency="usd",
        request_id="r2",
        customer="1:customer:cus_2",
    )
    assert [each["id"] for each in (await asked(ledger, **parameters))["items"]] == [other.id]


async def test_a_clients_own_key_finds_its_record(ledger: SqlLedger) -> None:
    mine = await payment(ledger, claim=claim_of("ada", "create-payment", "order-1"))
    await payment(ledger, owner="bob", claim=claim_of("bob", "create-payment", "order-1"))
    found = await asked(ledger, owner="ada", key="order-1")
    assert [each["id"] for each in found["items"]] == [mine.id]
    assert (await asked(ledger, owner="ada", key="order-2"))["items"] == []


async def test_a_bad_parameter_is_a_problem_that_names_it(ledger: SqlLedger) -> None:
    async with client(state(ledger=lambda: ledger)) as local:
        answer = await local.get(PAYMENTS, params={"key": "order-1"})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "key")


async def test_a_payment_is_shown_whole_without_what_is_stored(ledger: SqlLedger) -> None:
    record = await payment(ledger, None, claim=os.urandom(32))
    await ledger.settle(
        record.id, 1, Settlement(State.SUCCEEDED, "", "answered", 1, 201, answer=b"sealed", trail=b'{"filters": []}')
    )
    async with client(state(ledger=lambda: ledger)) as local:
        shown = (await local.get(f"{PAYMENTS}/{record.id}")).json()
    assert shown["stored"] == {"request": {"kept": False, "bytes": 0}, "answer": {"kept": True, "bytes": 6}}
    assert [change["state"] for change in shown["history"]] == ["sent", "succeeded"]
    assert shown["key"] == record.key
    assert "sealed" not in str(shown)


@pytest.mark.parametrize("name", ["aipnywamgwaaaaucygfwfkokip", "no/id", "x" * 80])
async def test_what_is_not_there_says_how_to_find_it(ledger: SqlLedger, name: str) -> None:
    async with client(state(ledger=lambda: ledger)) as local:
        answer = await local.get(f"{PAYMENTS}/{name}")
    assert answer.status_code == 404


async def resolving(ledger: SqlLedger, name: str, **body: Any) -> Any:
    told: list[tuple[str, dict[str, Any]]] = []
    own = state(ledger=lambda: ledger, tell=lambda code, **said: told.append((code, said)))
    async with client(own) as local:
        answer = await local.post(f"{PAYMENTS}/{name}/resolve", json={"reason": "the bank says so", **body})
    return answer, told


@pytest.mark.parametrize("became", [State.IN_DOUBT, State.PENDING])
@pytest.mark.parametrize("to", ["succeeded", "failed"])
async def test_a_human_settles_what_is_in_doubt_with_a_name_and_a_reason(
    ledger: SqlLedger, became: State, to: str
) -> None:
    record = await payment(ledger, became)
    answer, told = await resolving(ledger, record.id, state=to, by="ada@shop.example")
    assert (answer.status_code, answer.json()["state"]) == (200, to)
    last = answer.json()["history"][-1]
    assert (last["by"], last["reason"]) == ("human:ada@shop.example via loopback", "the bank says so")
    assert [code for code, _ in told] == ["payment_resolved"]


async def test_a_reason_is_masked_before_it_is_recorded_or_told(ledger: SqlLedger) -> None:
    record = await payment(ledger, State.IN_DOUBT)
    said = {"reason": "card 4242 4242 4242 4242 declined", "by": "4242424242424242"}
    answer, [(_, told)] = await resolving(ledger, record.id, state="failed", **said)
    last = answer.json()["history"][-1]
    assert last["reason"] == told["reason"] == "card [card *4242] declined"
    assert last["by"] == told["by"] == "human:[card *4242] via loopback"


async def test_a_caller_is_looked_for_by_what_the_ledger_calls_him(ledger: SqlLedger) -> None:
    hers = await payment(ledger, owner="1:digest", claim=claim_of("4111111111111111", "create-payment", "k"))
    own = state(ledger=lambda: ledger, routes=lambda: ["create-payment"], known_as=lambda _: "1:digest")
    async with client(own) as local:
        for asked_for in ({}, {"key": "k"}):
            answer = await local.get(PAYMENTS, params={"owner": "4111111111111111", **asked_for})
            assert [each["id"] for each in answer.json()["items"]] == [hers.id]


@pytest.mark.parametrize(
    ("became", "to", "code"),
    [
        (State.SUCCEEDED, "failed", "payment_settled"),
        (State.FAILED, "succeeded", "payment_settled"),
        (None, "failed", "payment_under_way"),
    ],
)
async def test_what_is_settled_or_under_way_is_not_a_humans_to_decide(
    ledger: SqlLedger, became: State | None, to: str, code: str
) -> None:
    record = await payment(ledger, became)
    answer, told = await resolving(ledger, record.id, state=to)
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert told == []


async def test_a_key_is_freed_only_by_who_says_that_it_was_never_executed(ledger: SqlLedger) -> None:
    record = await payment(ledger, State.IN_DOUBT)
    answer, _ = await resolving(ledger, record.id, state="released")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "never_executed")
    answer, _ = await resolving(ledger, record.id, state="released", never_executed=True)
    assert answer.json()["state"] == "released"


async def test_who_looked_at_an_older_revision_decides_nothing(ledger: SqlLedger) -> None:
    record = await payment(ledger, State.IN_DOUBT)
    assert await ledger.postpone(record.id, record.revision, 600.0)
    answer, _ = await resolving(ledger, record.id, state="failed", revision=record.revision)
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_changed")


async def test_of_two_who_decide_at_once_one_is_recorded_and_the_other_told(ledger: SqlLedger) -> None:
    record = await payment(ledger, State.IN_DOUBT)
    answers = [answer for answer, _ in await asyncio.gather(*(resolving(ledger, record.id, state=to) for to in TWO))]
    [won], [lost] = ([each for each in answers if each.status_code == status] for status in (200, 409))
    settled = await ledger.find(record.id)
    assert settled is not None
    assert settled.state == won.json()["state"]
    assert lost.json()["code"] in ("payment_changed", "payment_settled")
    assert len(settled.history) == 3


class Book(Unkept):
    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, Any]]] = []

    def add(self, action: str, /, **entry: Any) -> Any:
        self.entries.append((action, entry))
        return super().add(action, **entry)


async def test_who_resolved_what_and_why_is_on_the_audit_trail(ledger: SqlLedger) -> None:
    book, record = Book(), await payment(ledger, State.IN_DOUBT)
    said = {"state": "succeeded", "reason": "card 4242 4242 4242 4242 seen", "by": "ada"}
    async with client(state(ledger=lambda: ledger, audit=book)) as local:
        await local.post(f"{PAYMENTS}/{record.id}/resolve", json=said)

    assert [action for action, _ in book.entries] == ["payment.resolve", "admin.change"]
    assert book.entries[0][1] == {
        "subject": record.id,
        "outcome": "succeeded",
        "principal": "human:ada via loopback",
        "ip": "127.0.0.1",
        "detail": {"was": "in_doubt", "reason": "card [card *4242] seen"},
    }


async def test_only_who_may_operate_resolves_from_elsewhere(ledger: SqlLedger) -> None:
    record = await payment(ledger, State.IN_DOUBT)
    for token, status in ((None, 401), (TOKENS.read, 403), (TOKENS.operate, 200)):
        async with client(state(ledger=lambda: ledger, tokens=TOKENS), ELSEWHERE, token=token) as remote:
            answer = await remote.post(f"{PAYMENTS}/{record.id}/resolve", json={"state": "failed", "reason": "known"})
        assert answer.status_code == status


async def test_a_ledger_that_is_away_is_a_503(ledger: SqlLedger) -> None:
    await ledger._database.close()
    for given in (ledger, None):
        async with client(state(ledger=lambda given=given: given)) as local:
            answer = await local.get(PAYMENTS)
        assert (answer.status_code, answer.json()["code"]) == (503, "ledger_unavailable")
