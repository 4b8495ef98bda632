"""The payments of the demo, each with what must come of it."""

from __future__ import annotations

import sqlite3
import time
import uuid
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from examples.demo.town import Town

GOOD_CARD = "4242424242424242"
PATIENCE = 30.0
"""Seconds that the gateway has to find out what became of a payment."""

LONG = 20
"""Characters of a token that are shown: a card number is shorter."""

CARD_WITHOUT_FUNDS = "4000000000009995"
THROWAWAY = "q8816203@mailinator.com"
ATTACK = "Shoes' UNION SELECT number FROM cards --"


@dataclass(frozen=True, slots=True)
class Row:
    """One request as it went, beside what was expected of it."""

    what: str
    request: str
    expected: str
    status: int | None
    """None where it is not a request, but what somebody else was found to have."""
    outcome: str
    request_id: str
    milliseconds: float

    @property
    def as_expected(self) -> bool:
        said = self.outcome if self.status is None else f"{self.status} {self.outcome}"
        return said.startswith(self.expected)


class Till:
    """Sends requests to the gateway as a shop would, and writes down each."""

    def __init__(self, gateway: httpx.Client) -> None:
        self._gateway = gateway
        self.rows: list[Row] = []
        self._last = httpx.Response(0)

    def get(self, what: str, path: str, *, expected: str) -> Any:
        return self._send(what, self._gateway.build_request("GET", path, headers={"X-User-Id": "ada"}), expected)

    def pay(
        self,
        what: str,
        order: dict[str, Any],
        *,
        expected: str,
        user: str | None = "ada",
        form: bool = False,
        key: str | None = None,
    ) -> Any:
        headers = {"Idempotency-Key": key or str(uuid.uuid4())} | ({"X-User-Id": user} if user else {})
        body: dict[str, Any] = {"data": {"amount": order["amount"]}} if form else {"json": order}
        return self._send(what, self._gateway.build_request("POST", "/v1/payments", headers=headers, **body), expected)

    @property
    def last_payment(self) -> str:
        """Where its owner may ask what became of the last payment."""
        return f"/.payguard/payments/{self._last.headers['payguard-payment-id']}"

    def wait(self, what: str, path: str, *, state: str) -> None:
        """Ask until it is in that state, or for long enough; one row."""
        asked = {"X-User-Id": "ada"}
        until = time.monotonic() + PATIENCE
        while self._gateway.get(path, headers=asked).json().get("state") != state and time.monotonic() < until:
            time.sleep(0.25)
        self.get(what, path, expected=f"200 {state}")

    def judged(self, what: str, admin_url: str, *, expected: str) -> None:
        """What fraud scoring says of the last payment; it is written beside the answer, which does not wait for it."""
        path = f"/api/v1/decisions/{self.rows[-1].request_id}"
        until = time.monotonic() + PATIENCE
        while not (answer := httpx.get(f"{admin_url}{path}", trust_env=False)).is_success and time.monotonic() < until:
            time.sleep(0.05)
        said = answer.json()
        reason = said["reasons"][0]["code"] if said.get("reasons") else "no reason"
        told = f"{said['decision']}: {reason}, score {said['score']}" if answer.is_success else outcome(said)
        last = self.rows[-1].request_id
        self.rows.append(Row(what, f"GET {path}", expected, answer.status_code, told, last, 0.0))

    def _send(self, what: str, request: httpx.Request, expected: str) -> Any:
        began = time.perf_counter()
        response = self._last = self._gateway.send(request)
        took = (time.perf_counter() - began) * 1000
        document = _document(response)
        replayed = " (replayed)" if "idempotent-replayed" in response.headers else ""
        cached = " (cached)" if response.headers.get("cache-status", "").startswith("Payguard; hit") else ""
        self.rows.append(
            Row(
                what=what,
                request=f"{request.method} {request.url.path}",
                expected=expected,
                status=response.status_code,
                outcome=outcome(document) + replayed + cached,
                request_id=response.headers.get("x-request-id", ""),
                milliseconds=took,
            )
        )
        return document

    def found(self, what: str, where: str, outcome: str, *, expected: str) -> None:
        """What somebody else has of the last payment; one row."""
        self.rows.append(
            Row(
                what=what,
                request=where,
                expected=expected,
                status=None,
                outcome=outcome,
                request_id=self.rows[-1].request_id,
                milliseconds=0.0,
            )
        )

    def insist(self, what: str, *, user: str, most: int, expected: str) -> None:
        """Send what is no payment until it is refused as expected, or often enough; one row, of the last."""
        status, before = int(expected.split(maxsplit=1)[0]), len(self.rows)
        for _ in range(most):
            del self.rows[before:]
            self.pay(what, order(), user=user, form=True, expected=expected)
            if self.rows[-1].status == status:
                return


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        document: dict[str, Any] = response.json()
    except ValueError:
        return {"code": "not_json"}
    return document


def outcome(document: dict[str, Any]) -> str:
    """What an answer says in a word or three: its status, or its problem's code and what is to blame."""
    if "code" not in document:
        return str(document.get("status") or document.get("state") or "ok")
    blamed = document.get("decline_code") or document.get("pointer") or document.get("field") or ""
    return f"{document['code']} {blamed}".strip()


def order(**changes: Any) -> dict[str, Any]:
    card = {"number": GOOD_CARD, "exp_month": 12, "exp_year": 2034, "cvc": "123"}
    described = {"customer": "cus_ada", "receipt_email": "ada@example.com", "description": "A pair of shoes"}
    return {"amount": 4200, "currency": "eur", **described, "card": card} | changes


def order_with(card_number: str) -> dict[str, Any]:
    return order(card=order()["card"] | {"number": card_number})


def lose_the_next_answer(stripe_url: str) -> None:
    """The processor executes the next payment, and the backend does not hear of it."""
    fault = {"drop": True, "commit": True}
    httpx.post(f"{stripe_url}/_double/faults", json=fault, trust_env=False).raise_for_status()


def kept_card(book: Path) -> str:
    """What the backend keeps of the card of its newest payment; of a token, enough to know it by."""
    with closing(sqlite3.connect(book)) as connection:
        [card] = connection.execute("SELECT card FROM payments ORDER BY rowid DESC LIMIT 1").fetchone()
    return str(card) if len(str(card)) < LONG else f"{str(card)[:LONG]}…"


def charged_card(stripe_url: str) -> str:
    """The card number that the processor got last."""
    numbers: list[str] = httpx.get(f"{stripe_url}/_double/cards", trust_env=False).json()["numbers"]
    return numbers[-1]


def invoices_read(up: Town) -> int:
    """How often the backend was asked for an invoice."""
    read: int = httpx.get(up.backend.probe, trust_env=False).json()["invoices_read"]
    return read


def counted(row: Row, asked: int) -> Row:
    """The row of a second read: the backend was asked once, or it is not as expected."""
    outcome = f"{row.outcome}, backend asked {asked} time{'' if asked == 1 else 's'}"
    return replace(row, expected=f"{row.expected}, backend asked 1 time", outcome=outcome)


def drive(gateway: httpx.Client, up: Town) -> list[Row]:
    till = Till(gateway)
    key = str(uuid.uuid4())
    paid = till.pay("A payment succeeds", order(), expected="201 paid", key=key)
    till.found("Its card, at the backend", "the backend's book", kept_card(up.book), expected="pg1.")
    till.found("Its card, at the processor", "the fake Stripe", charged_card(up.stripe_url), expected=GOOD_CARD)
    till.pay("Sent again with its key", order(), expected="201 paid (replayed)", key=key)
    till.pay("Another one with that key", order(amount=4300), expected="422 idempotency_key_reused", key=key)
    till.get("It can be read", f"/v1/payments/{paid.get('id')}", expected="200 paid")
    till.get("Its invoice, too", f"/v1/invoices/{paid.get('id')}", expected="200 ok")
    till.get("And once more", f"/v1/invoices/{paid.get('id')}", expected="200 ok (cached)")
    till.rows[-1] = counted(till.rows[-1], invoices_read(up))
    till.pay(
        "Declined by the processor", order_with(CARD_WITHOUT_FUNDS), expected="402 card_declined insufficient_funds"
    )
    till.pay("From a throwaway address", order(receipt_email=THROWAWAY), expected="201 paid")
    till.judged("How risky that is", up.admin_url, expected="200 allow: email_disposable, score")
    till.pay("Nobody says who asks", order(), user=None, expected="401 unauthenticated")
    till.pay("Not JSON", order(), form=True, expected="415 unsupported_media_type")
    till.insist("Too often from one user", user="mallory", most=40, expected="429 rate_limited")
    till.pay("Half a cent", order(amount=42.5), expected="422 invalid_payment /amount")
    till.pay("An attack on the database", order(description=ATTACK), expected="403 attack_suspected /description")
    lose_the_next_answer(up.stripe_url)
    till.pay("Its answer was lost", order(), expected="502 processor_unavailable")
    till.wait("What became of it", till.last_payment, state="succeeded")
    up.backend.stop()
    till.pay("The backend is down", order(), expected="503 upstream_unreachable")
    up.backend.start()
    till.pay("It is back", order(), expected="201 paid")
    return till.rows
