"""What the ledger keeps of a payment."""

from __future__ import annotations

from gateway.ledger.records import SETTLED, Page, Record, State
from gateway.ledger.sql import SqlLedger
from tests.gateway.ledger.conftest import brought


def test_what_may_be_removed_is_what_nobody_asks_about() -> None:
    assert frozenset({"succeeded", "failed", "released"}) == SETTLED


async def test_what_an_upstream_sees_as_the_key_is_its_claim(ledger: SqlLedger) -> None:
    record = await brought(ledger, State.SENT)

    assert record.claim is not None
    assert record.key == record.claim.hex()
    assert len(record.key) == 64


def test_a_page_is_a_list_that_says_where_to_go_on() -> None:
    records: list[Record] = []

    assert Page(records) == records
    assert Page(records).after is None
    assert Page(records, "an id").after == "an id"
