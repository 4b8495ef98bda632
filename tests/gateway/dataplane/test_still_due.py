"""Whether a payment is still due, asked of whoever knows; only a clear word counts."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gateway.dataplane.still_due import StillDue, read
from gateway.look_ups import Unclear
from gateway.testing import Backend, backend, record


@pytest.fixture
async def shop():
    async with backend() as made:
        yield made


@pytest.fixture
async def http():
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def asking(url: str, http: httpx.AsyncClient, within: float = 5.0) -> StillDue:
    return StillDue(url, "/status", frozenset({"open"}), frozenset({"paid"}), {"x-key": "k"}, within, 100, lambda: http)


@pytest.mark.parametrize(
    ("status", "document", "said"),
    [
        (200, {"status": "open"}, "due"),
        (200, {"status": "paid"}, "not_due"),
        (200, {"status": "draft"}, "unclear"),
        (200, {}, "unclear"),
        (200, [], "unclear"),
        (404, {"status": "open"}, "unclear"),
        (500, {"status": "paid"}, "unclear"),
        (302, {"status": "open"}, "unclear"),
    ],
)
async def test_only_what_says_so_is_due_and_only_what_says_so_is_not(
    shop: Backend, http, status, document, said
) -> None:
    shop.will_answer(status, json=document)
    ask = asking(f"{shop.url}/v1/invoices/{{reference}}?of={{owner}}", http)

    assert (await ask.ask(record(), "inv/1"))[0] == said

    assert (shop.seen[0].target, shop.seen[0].headers["x-key"]) == ("/v1/invoices/inv%2F1?of=shop-1", "k")


async def test_whoever_cannot_be_asked_has_said_nothing(shop: Backend, http) -> None:
    shop.will_answer(200, json={"status": "open"}, after=(go := asyncio.Event()))

    assert await asking(f"{shop.url}/{{reference}}", http, 0.02).ask(record(), "a") == (
        "unclear",
        "could not be asked: TimeoutError",
    )
    go.set()
    assert (await asking("http://127.0.0.1:1/{reference}", http).ask(record(), "a"))[0] == "unclear"
    assert (await asking(f"{shop.url}/{{customer}}", http).ask(record(), "a"))[
        1
    ] == "the payment lacks what the url names"
    assert len(shop.seen) == 1


async def test_an_answer_that_is_too_large_is_unclear(shop: Backend, http) -> None:
    shop.will_answer(200, json={"status": "open", "lines": "x" * 100})

    assert (await asking(f"{shop.url}/{{reference}}", http).ask(record(), "a"))[0] == "unclear"


def test_what_is_no_json_says_nothing() -> None:
    with pytest.raises(Unclear, match="not JSON"):
        read("/status", 200, b"open")
    assert read("/paid", 200, b'{"paid": false}') == "false"
