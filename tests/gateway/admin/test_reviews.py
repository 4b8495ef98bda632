"""/api/v1/payments/{id}/approve and reject over a real ledger."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest

from gateway.audit.protocol import NOTHING
from gateway.ledger.records import Record, State
from gateway.ledger.sql import SqlLedger
from tests.gateway.admin.admins import ELSEWHERE, TOKENS, client, state
from tests.gateway.ledger.conftest import LONG, brought, entry, found


async def held(ledger: SqlLedger) -> Record:
    made = entry()
    assert await ledger.reserve(made, LONG)
    assert await ledger.hold(made.id, 1, b"sealed", b"{}", most=9, within=LONG, reason="score")
    return await found(ledger, made.id)


class Books:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.audited: list[tuple[str, str, str | None, Any]] = []

    def add(self, action: str, *, subject: str, principal: str | None, detail: Any, **_: Any) -> Awaitable[None]:
        if not action.startswith("admin."):  # each request to the port has an entry of its own
            self.audited.append((action, subject, principal, detail))
        return NOTHING


async def said(ledger: SqlLedger, id: str, word: str, books: Books | None = None, **body: Any) -> Any:  # noqa: A002
    books = books or Books()
    own = state(ledger=lambda: ledger, tell=lambda code, **_: books.told.append(code), audit=books)
    async with client(own) as local:
        given = {"reason": "a known customer, 4242424242424242", "by": "ann"} | body
        return await local.post(f"/api/v1/payments/{id}/{word}", json=given)


@pytest.mark.parametrize(
    ("word", "becomes", "action"),
    [("approve", State.ACCEPTED, "payment.approve"), ("reject", State.FAILED, "payment.reject")],
)
async def test_a_named_reviewer_decides_and_that_is_kept(
    ledger: SqlLedger, word: str, becomes: State, action: str
) -> None:
    record, books = await held(ledger), Books()
    answer = await said(ledger, record.id, word, books, revision=record.revision)

    now = await found(ledger, record.id)
    assert (answer.status_code, answer.json()["state"], now.state) == (200, becomes, becomes)
    assert now.history[-1].by == "human:ann via loopback"
    assert "4242424242424242" not in now.history[-1].reason
    [(done, subject, principal, detail)] = books.audited
    assert (done, subject, principal) == (action, record.id, "human:ann via loopback")
    assert detail == {"reason": now.history[-1].reason}
    assert books.told == ["payment_reviewed"]
    assert (now.request is None) is (becomes is State.FAILED)


async def test_what_is_not_held_or_was_changed_is_not_reviewed(ledger: SqlLedger) -> None:
    record, sent = await held(ledger), await brought(ledger, State.SENT)
    stale = await said(ledger, record.id, "approve", revision=record.revision - 1)
    other = await said(ledger, sent.id, "approve")
    await said(ledger, record.id, "reject")
    twice = await said(ledger, record.id, "approve")
    nobody = await said(ledger, "none", "reject")

    assert [each.json()["code"] for each in (stale, other, twice, nobody)] == [
        "payment_changed",
        "payment_not_held",
        "payment_not_held",
        "payment_not_found",
    ]


async def test_a_review_without_a_name_is_none(ledger: SqlLedger) -> None:
    record = await held(ledger)
    unnamed = await said(ledger, record.id, "approve", by=None)

    assert (unnamed.status_code, unnamed.json()["parameter"]) == (400, "by")
    assert await found(ledger, record.id) == record


async def test_who_may_only_read_reviews_nothing(ledger: SqlLedger) -> None:
    record = await held(ledger)
    async with client(state(ledger=lambda: ledger, tokens=TOKENS), ELSEWHERE, token=TOKENS.read) as reader:
        refused = await reader.post(f"/api/v1/payments/{record.id}/approve", json={"reason": "known", "by": "ann"})

    assert refused.json()["code"] == "insufficient_scope"
    assert await found(ledger, record.id) == record
