"""The resolver over real sockets."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.testing import Backend, HandScope, backend, record, scope
from plugins.status_url.options import StatusUrlConfig
from plugins.status_url.resolver import StatusUrl

PAID = {"status": "paid", "amount": 1999, "currency": "eur"}


@pytest.fixture
async def bank() -> AsyncIterator[Backend]:
    async with backend() as made:
        yield made


@pytest.fixture
async def lent() -> AsyncIterator[HandScope]:
    made = scope(secrets={"env:TOKEN": "tok-1", "env:SHOP": "shop 9"})
    yield made
    await made.http.aclose()


async def resolver(bank: Backend, lent: HandScope, **changes: Any) -> StatusUrl:
    options = {
        "url": bank.url + "/v1/payments?key={key}",
        "status": "/status",
        "values": {"paid": "succeeded"},
        "amount": "/amount",
        "currency": "/currency",
    }
    made = StatusUrl(StatusUrlConfig.model_validate(options | changes), lent)
    await made.open()
    return made


async def test_it_asks_by_our_key_and_says_what_it_found(bank, lent) -> None:
    bank.will_answer(json=PAID)
    found = await (await resolver(bank, lent)).ask(record())

    assert found is not None
    assert (found.verdict, found.by_key, found.amount, found.currency) == ("succeeded", True, 1999, "eur")
    [asked] = bank.seen
    assert (asked.method, asked.target) == ("GET", f"/v1/payments?key={'63' * 32}")
    assert asked.headers["accept-encoding"] == "identity"


async def test_it_says_who_asks_by_secrets_that_the_policy_names(bank, lent) -> None:
    asking = await resolver(bank, lent, bearer="env:TOKEN", headers={"X-Shop": "env:SHOP"})
    await asking.ask(record())

    [asked] = bank.seen
    assert (asked.headers["authorization"], asked.headers["x-shop"]) == ("Bearer tok-1", "shop 9")


async def test_a_secret_that_is_not_there_keeps_it_from_opening(bank, lent) -> None:
    with pytest.raises(ValueError, match="env:NONE names no secret"):
        await resolver(bank, lent, bearer="env:NONE")


async def test_a_payment_without_a_key_is_none_of_its_business(bank, lent) -> None:
    assert await (await resolver(bank, lent)).ask(record(claim=None)) is None
    assert bank.seen == []


async def test_it_goes_nowhere_else(bank, lent) -> None:
    bank.will_answer(302, headers={"location": bank.url + "/elsewhere"})
    found = await (await resolver(bank, lent)).ask(record())

    assert found is not None
    assert (found.verdict, found.detail, len(bank.seen)) == ("unknown", "answered 302", 1)


async def test_it_reads_no_more_than_it_may(bank, lent) -> None:
    bank.will_answer(json={**PAID, "more": "x" * 5000})
    found = await (await resolver(bank, lent, most="4KiB")).ask(record())

    assert found is not None
    assert (found.verdict, found.detail) == ("unknown", "the answer is larger than 4096 bytes")


async def test_it_unpacks_nothing(bank, lent) -> None:
    bank.will_answer(body=gzip.compress(b"{}"), headers={"content-encoding": "gzip"})
    found = await (await resolver(bank, lent)).ask(record())

    assert found is not None
    assert found.verdict == "unknown"


async def test_it_waits_no_longer_than_it_may(bank, lent) -> None:
    bank.will_answer(after=asyncio.Event())
    with pytest.raises(TimeoutError):
        await (await resolver(bank, lent, timeout="50ms")).ask(record())


async def test_what_cannot_be_asked_raises(lent) -> None:
    async with backend() as gone:
        asking = await resolver(gone, lent)
    with pytest.raises(Exception, match="connection"):
        await asking.ask(record())
