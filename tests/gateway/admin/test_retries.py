"""/api/v1/payments/retries over a real ledger."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.audit.protocol import Unkept
from gateway.ledger.sql import SqlLedger
from tests.gateway.admin.admins import ELSEWHERE, TOKENS, client, state
from tests.gateway.planning import LONG, attempting, planned, there

RETRIES = "/api/v1/payments/retries"


async def asked(ledger: SqlLedger | None, path: str = RETRIES, **parameters: Any) -> Any:
    async with client(state(ledger=lambda: ledger)) as local:
        return await local.get(path, params=parameters)


async def cancelled(ledger: SqlLedger, payment: str, told: list[Any] | None = None, **body: Any) -> Any:
    told = [] if told is None else told
    lent = state(ledger=lambda: ledger, tell=lambda code, **detail: told.append((code, detail)))
    async with client(lent) as local:
        return await local.post(f"{RETRIES}/{payment}/cancel", json={"reason": "paid in cash"} | body)


async def test_a_list_says_of_each_when_it_is_tried_and_why(ledger: SqlLedger) -> None:
    made = await planned(ledger, LONG)
    [item] = (await asked(ledger)).json()["items"]

    found = await there(ledger, made.id)
    assert (item["payment"], item["state"], item["code"]) == (made.id, "waiting", "insufficient_funds")
    assert (item["amount"], item["currency"], item["owner"], item["attempts"]) == (1999, "eur", "ada", 0)
    assert item["due_at"].endswith("Z")
    assert found.due_at is not None
    assert "request" not in item


async def test_those_that_have_ended_are_asked_for(ledger: SqlLedger) -> None:
    made, waits = await planned(ledger), await planned(ledger)
    await ledger.schedules.cancel(made.id, by="human", reason="no")

    async def listed(**parameters: Any) -> list[str]:
        return [each["payment"] for each in (await asked(ledger, **parameters)).json()["items"]]

    assert await listed() == [waits.id]
    assert await listed(state="ended") == [made.id]
    assert await listed(state="waiting,ended") == [waits.id, made.id]
    assert await listed(state="attempting") == []


async def test_pages_follow_each_other_without_gap_or_repeat(ledger: SqlLedger) -> None:
    made = [(await planned(ledger)).id for _ in range(5)]
    found, cursor = [], None
    while True:
        page = (await asked(ledger, limit=2, **({"cursor": cursor} if cursor else {}))).json()
        found += [each["payment"] for each in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert found == made[::-1]


@pytest.mark.parametrize(
    ("parameters", "name"), [({"state": "open"}, "state"), ({"rout": "a"}, "rout"), ({"limit": 0}, "limit")]
)
async def test_what_cannot_be_asked_is_named(ledger: SqlLedger, parameters: dict[str, Any], name: str) -> None:
    refused = await asked(ledger, **parameters)

    assert (refused.status_code, refused.json()["code"], refused.json()["parameter"]) == (
        400,
        "invalid_parameter",
        name,
    )


async def test_a_human_cancels_one_with_a_reason_and_people_are_told(ledger: SqlLedger) -> None:
    made, told = await planned(ledger), list[Any]()
    answer = await cancelled(ledger, made.id, told, by="ada", reason="paid with 4242 4242 4242 4242")

    assert (answer.status_code, answer.json()["state"], answer.json()["reason"]) == (200, "ended", "cancelled")
    last = (await there(ledger, made.id)).history[-1]
    assert last.by == "human:ada via loopback"
    assert "4242 4242" not in last.reason
    assert [(code, detail["payment"], detail["by"]) for code, detail in told] == [("retry_cancelled", made.id, last.by)]


async def test_one_that_is_over_stays_so_and_one_with_an_attempt_ends_with_it(ledger: SqlLedger) -> None:
    made = await planned(ledger)
    await cancelled(ledger, made.id)
    again = await cancelled(ledger, made.id)
    first, attempt = await attempting(ledger)
    open_ = await cancelled(ledger, first.id)
    twice = await cancelled(ledger, first.id)

    assert (again.status_code, again.json()["code"]) == (409, "retry_over")
    assert "has ended already: cancelled" in again.json()["detail"]
    assert (open_.status_code, open_.json()["state"], open_.json()["last_attempt"]) == (200, "attempting", attempt.id)
    assert "ends with the attempt that is open" in twice.json()["detail"]


@pytest.mark.parametrize("id", ["nothing", "a%00b", "%ED%A0%80", "x" * 5000])
async def test_what_is_not_tried_again_is_not_found(ledger: SqlLedger, id: str) -> None:  # noqa: A002
    answer = await cancelled(ledger, id)

    assert (answer.status_code, answer.json()["code"]) == (404, "retry_not_found")


@pytest.mark.parametrize(
    ("body", "name"),
    [({"reason": ""}, "reason"), ({"by": "a b"}, "by"), ({"why": "so"}, "why"), ({"reason": 5}, "reason")],
)
async def test_a_cancellation_says_who_and_why(ledger: SqlLedger, body: dict[str, Any], name: str) -> None:
    refused = await cancelled(ledger, "any", **body)

    assert (refused.status_code, refused.json()["parameter"]) == (400, name)


async def test_reading_takes_one_scope_and_cancelling_the_other(ledger: SqlLedger) -> None:
    made = await planned(ledger)
    lent = state(ledger=lambda: ledger, tokens=TOKENS)
    async with (
        client(lent, ELSEWHERE, token=TOKENS.read) as reads,
        client(lent, ELSEWHERE, token=TOKENS.operate) as both,
    ):
        assert (await reads.get(RETRIES)).status_code == 200
        refused = await reads.post(f"{RETRIES}/{made.id}/cancel", json={"reason": "paid"})
        done = await both.post(f"{RETRIES}/{made.id}/cancel", json={"reason": "paid"})

    assert (refused.status_code, refused.json()["code"], done.status_code) == (403, "insufficient_scope", 200)
    assert (await there(ledger, made.id)).history[-1].by == "human:unnamed via token operate"


async def test_without_a_ledger_nobody_can_be_asked() -> None:
    assert (await asked(None)).status_code == 503


async def test_a_payment_shows_its_attempts_and_an_attempt_what_it_is_one_of(ledger: SqlLedger) -> None:
    first, attempt = await attempting(ledger)
    shown = (await asked(ledger, f"/api/v1/payments/{first.id}")).json()
    made = (await asked(ledger, f"/api/v1/payments/{attempt.id}")).json()

    assert [(each["kind"], each["id"], each["state"]) for each in shown["linked"]] == [
        ("retry_of", attempt.id, "reserved")
    ]
    assert (shown["retry"]["state"], shown["retry"]["last_attempt"]) == ("attempting", attempt.id)
    assert [each["what"] for each in shown["retry"]["history"]] == ["scheduled", "attempt"]
    assert (made["link"], made["linked"]) == ({"kind": "retry_of", "id": first.id}, [])
    assert made["retry"]["payment"] == first.id


class Book(Unkept):
    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, Any]]] = []

    def add(self, action: str, /, **entry: Any) -> Any:
        self.entries.append((action, entry))
        return super().add(action, **entry)


async def test_who_cancelled_what_and_why_is_on_the_audit_trail_and_so_is_what_was_too_late(ledger: SqlLedger) -> None:
    book, made = Book(), await planned(ledger, LONG)
    async with client(state(ledger=lambda: ledger, audit=book)) as local:
        for _ in range(2):
            await local.post(f"{RETRIES}/{made.id}/cancel", json={"reason": "paid in cash", "by": "ada"})

    told = [(entry["subject"], entry["outcome"]) for action, entry in book.entries if action == "retry.cancel"]
    assert told == [(made.id, "cancelled"), (made.id, "cancelled"), (made.id, "not_recorded")]
    assert book.entries[0][1]["principal"] == "human:ada via loopback"
    assert book.entries[0][1]["detail"] == {"reason": "paid in cash"}
