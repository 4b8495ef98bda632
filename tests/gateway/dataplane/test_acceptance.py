from __future__ import annotations

from typing import Any

import pytest

from gateway.dataplane.acceptance import Limits, accepted, reason_against, refused
from gateway.errors import UpstreamUnreachable
from gateway.exchange import Exchange, Reservation
from gateway.facts import Payment
from gateway.testing import exchange, streaming

LIMITS = Limits(10, 600.0, {"eur": 50_000}, {})
CARD = {"number": "4242424242424242", "exp_month": 12}


def payment(json: Any = None, *, amount: int | None = 100, currency: str | None = "eur", **given: Any) -> Exchange:
    made = exchange(json={"card": CARD} if json is None else json, **given)
    made.put(Payment("payment.create", amount, currency))
    return made


def test_a_payment_with_a_known_amount_in_a_currency_with_a_ceiling_is_kept() -> None:
    assert reason_against(payment(), LIMITS) is None


@pytest.mark.parametrize("lacking", [{"amount": None, "currency": None}, {"currency": "usd"}])
def test_a_payment_whose_sum_has_no_ceiling_is_not_kept(lacking: dict[str, Any]) -> None:
    assert reason_against(payment(**lacking), LIMITS) == "no_ceiling_for_its_currency"


@pytest.mark.parametrize(
    "name",
    [
        *("cvc", "CVV", "cvv2", "security_code", "Card-Code", "card_cvc", "cardCvv", "cvcNumber", "card_security_code"),
        *("verification_value", "card_csc"),
    ],
)
def test_a_security_code_is_never_stored_however_deep_it_stands(name: str) -> None:
    assert reason_against(payment({"cards": [{"x": {**CARD, name: "123"}}]}), LIMITS) == "security_code"


def test_a_security_code_is_found_in_a_form_too() -> None:
    form = exchange(headers={"content-type": "application/x-www-form-urlencoded"}, body=b"amount=100&card[CVC]=123")
    form.put(Payment("payment.create", 100, "eur"))
    assert reason_against(form, LIMITS) == "security_code"


def test_a_security_code_is_found_beside_the_path_too() -> None:
    asked = payment(path="/v1/payments", query="card_cvc=123&x=1")
    assert reason_against(asked, LIMITS) == "security_code"


def test_an_ordinary_word_is_no_security_code() -> None:
    form = exchange(
        headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, body=b"note=cvc&incident=1"
    )
    form.put(Payment("payment.create", 100, "eur"))
    assert reason_against(form, LIMITS) is None


def test_what_cannot_be_searched_is_not_kept() -> None:
    made = exchange(headers={"content-type": "application/xml"}, body=b"<cvc>123</cvc>")
    made.put(Payment("payment.create", 100, "eur"))
    assert reason_against(made, LIMITS) == "body_of_unknown_form"


@pytest.mark.parametrize("name", ["authorization", "cookie", "proxy-authorization"])
def test_a_credential_of_the_caller_is_never_stored(name: str) -> None:
    assert reason_against(payment(headers={name: "secret"}), LIMITS) == "credentials_of_the_caller"


def test_a_credential_that_the_policy_replaces_does_not_matter() -> None:
    limits = Limits(10, 600.0, {"eur": 50_000}, {"authorization": "Bearer of the gateway"})
    assert reason_against(payment(headers={"Authorization": "Bearer of the caller"}), limits) is None


def test_a_body_that_streams_is_not_kept() -> None:
    made = exchange(body=streaming(b"{}"))
    made.put(Payment("payment.create", 100, "eur"))
    assert reason_against(made, LIMITS) == "body_not_whole"


def test_the_answer_says_where_to_ask() -> None:
    answer = accepted(payment(), Reservation("abc", 1, 0.0))
    assert answer.status == 202
    assert answer.headers["location"] == "/.payguard/payments/abc"
    assert answer.json() == {
        "id": "abc",
        "state": "accepted",
        "status": "/.payguard/payments/abc",
        "request_id": "request-1",
    }


def test_a_refusal_says_when_to_come_again_and_keeps_what_its_error_says() -> None:
    assert refused(payment(), UpstreamUnreachable("away")).headers["retry-after"] == "1"
    open_breaker = UpstreamUnreachable("open", headers={"Retry-After": "30"})
    assert refused(payment(), open_breaker).headers["retry-after"] == "30"
