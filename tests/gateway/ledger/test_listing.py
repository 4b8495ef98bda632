"""Lists of payments: what is looked for, where, and where that ends."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from gateway.database.protocol import Database
from gateway.ids import payment_id
from gateway.ledger import listing
from gateway.ledger.listing import CLOCKS_DIFFER, MOST, first_looked_at, search
from gateway.ledger.records import Query, State
from gateway.ledger.sql import SqlLedger
from tests.gateway.ledger.conftest import LONG, entry

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    "asked",
    [
        {"customers": ["c"]},
        {"route": "a"},
        {"owner": "a"},
        {"currency": "eur"},
        {"least": 1},
        {"most": 1},
        {"states": [State.FAILED]},
        {"states": [State.SENT, State.SUCCEEDED]},
    ],
)
def test_what_no_index_finds_is_looked_for_within_bounds(asked: dict[str, Any]) -> None:
    assert search(Query(**asked), NOW).bounded
    assert not search(Query(claim=b"c", **asked), NOW).bounded
    assert not search(Query(request_id="r", **asked), NOW).bounded


@pytest.mark.parametrize("asked", [{}, {"states": [State.SENT, State.IN_DOUBT]}, {"older_than": 5.0}, {"cursor": "a"}])
def test_what_an_index_finds_needs_no_bound(asked: dict[str, Any]) -> None:
    assert not search(Query(**asked), NOW).bounded


def test_values_never_stand_in_a_statement() -> None:
    said = "'; DROP TABLE payments; --"

    statement, values, _ = search(
        Query(route=said, owner=said, currency=said, request_id=said, customers=[said, said], cursor=said), NOW
    )

    assert said not in statement
    assert values == (said,) * 7


@pytest.mark.parametrize(("limit", "has"), [(-1, 1), (0, 1), (7, 7), (10**9, MOST)])
def test_a_page_has_its_most(limit: int, has: int) -> None:
    assert search(Query(limit=limit), NOW).statement.rstrip().endswith(f"LIMIT {has}")


def test_age_begins_at_the_ids_of_then(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(at: float) -> str:
        monkeypatch.setattr("time.time_ns", lambda: int(at * 1e9))
        return payment_id()

    for asked in (search(Query(older_than=3600.0), NOW), first_looked_at(Query(older_than=3600.0), NOW)):
        bound = asked.values[-1]
        assert made(NOW - 3600) < made(NOW - 3600 + CLOCKS_DIFFER - 1) < bound < made(NOW - 3600 + CLOCKS_DIFFER + 1)


async def test_a_look_that_ends_says_where_and_goes_on_there(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LOOKED_AT", 10)
    made = [entry(route="rare" if n in (3, 24) else "common") for n in range(25)]
    await asyncio.gather(*(ledger.reserve(each, LONG) for each in made))

    pages = [await ledger.list(Query(route="rare", older_than=-5.0))]
    while (after := pages[-1].after) is not None:
        pages.append(await ledger.list(Query(route="rare", cursor=after)))

    assert [[each.id for each in page] for page in pages] == [[made[24].id], [], [made[3].id]]
    assert [page.after for page in pages] == [made[15].id, made[5].id, None]
    full = await ledger.list(Query(route="common", limit=2))
    assert (len(full), full.after) == (2, None)


async def test_a_list_goes_on_where_its_page_ended_and_misses_nothing(ledger: SqlLedger, database: Database) -> None:
    made = [entry() for _ in range(25)]
    await asyncio.gather(*(ledger.reserve(each, LONG) for each in made))

    found = [await ledger.list(Query(limit=7))]
    while len(found[-1]) == 7:
        found.append(await ledger.list(Query(limit=7, cursor=found[-1][-1].id)))

    ids = [each.id for page in found for each in page]
    assert len(ids) == 25
    assert all(newer > older for newer, older in pairwise(ids))
    assert await database.read("SELECT COUNT(*) FROM payments") == [(25,)]
