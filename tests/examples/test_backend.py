"""The sample backend over sockets, with the fake Stripe behind it."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from examples.demo.payments import order, order_with


@pytest.fixture
def shop(backend_url: str) -> httpx.Client:
    with httpx.Client(base_url=backend_url, trust_env=False) as client:
        yield client


def pay(shop: httpx.Client, asked: Any, key: str | None = None) -> httpx.Response:
    return shop.post("/v1/payments", json=asked, headers={"Idempotency-Key": key or str(uuid.uuid4())})


def test_a_payment_is_made_and_can_be_read(shop):
    made = pay(shop, order())
    assert made.status_code == 201
    assert made.json() | {"id": ""} == {"id": "", "status": "paid", "amount": 4200, "currency": "eur"}
    assert shop.get(made.headers["location"]).json() == made.json()


def test_a_decline_says_why_and_is_remembered(shop):
    declined = pay(shop, order_with("4000000000009995"), "declined-1")
    assert declined.status_code == 402
    assert declined.headers["content-type"] == "application/problem+json"
    assert (declined.json()["code"], declined.json()["decline_code"]) == ("card_declined", "insufficient_funds")
    assert shop.get("/v1/payments?key=declined-1").json()["status"] == "declined"


def test_the_same_key_pays_once(shop):
    key = str(uuid.uuid4())
    assert pay(shop, order(), key).json() == pay(shop, order(), key).json()


def test_a_key_of_another_order_is_refused_and_the_payment_stays(shop):
    made = pay(shop, order(), "reused-1").json()
    refused = pay(shop, order(amount=1), "reused-1")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert shop.get("/v1/payments?key=reused-1").json() == made


def test_a_bad_order_names_each_field(shop):
    refused = pay(shop, {"amount": -1, "currency": "eur"})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/amount", "/card"]


def test_a_lost_answer_of_the_processor_is_found_by_key(shop, fault):
    fault(commit=True, drop=True)
    assert pay(shop, order(), "lost-1").status_code == 502
    found = shop.get("/v1/payments?key=lost-1").json()
    assert (found["status"], found["amount"]) == ("paid", 4200)


def test_a_payment_that_never_reached_the_processor_stays_in_processing(shop, fault):
    fault(drop=True)
    assert pay(shop, order(), "never-1").status_code == 502
    assert shop.get("/v1/payments?key=never-1").json()["status"] == "processing"


def test_a_busy_processor_is_not_processed(shop, fault):
    fault(status=429)
    refused = pay(shop, order())
    assert (refused.status_code, refused.json()["code"]) == (503, "not_processed")
    assert refused.headers["retry-after"] == "1"


def test_an_invoice_may_be_kept_for_a_minute_and_is_confirmed_by_its_tag(shop):
    payment = pay(shop, order()).json()
    invoice = shop.get(f"/v1/invoices/{payment['id']}")
    assert invoice.json()["total"] == 4200
    assert invoice.headers["cache-control"] == "max-age=60"
    again = shop.get(f"/v1/invoices/{payment['id']}", headers={"If-None-Match": invoice.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/v1/payments/pi_unknown", "/v1/payments?key=unknown", "/v1/invoices/pi_unknown"])
def test_what_nobody_knows_is_a_404(shop, path):
    assert shop.get(path).status_code == 404
