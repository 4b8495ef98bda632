from __future__ import annotations

from typing import Any

import pytest
from starlette.datastructures import Headers

from gateway.control.policy import OutcomeEntry, RouteEntry
from gateway.control.recording import outcomes_of, unacceptable
from gateway.outcomes import Outcome
from gateway.parts import Config, Filter

PAYMENT = {"operation": "payment.create", "amount": "/amount", "currency": "/currency"}
ACCEPT = {"most": 10, "for": "10m", "ceiling": {"eur": 5000}}


class Claims(Filter[Config]):
    name = "claims"
    reserves = True

    def __init__(self) -> None: ...


def route(accept: dict[str, Any] | None = None, **given: Any) -> RouteEntry:
    when = "refuse" if accept is None else {"accept": accept}
    fields = {"name": "pay", "match": {"path": "/pay"}, "upstream": "backend", "payment": PAYMENT} | given
    return RouteEntry.model_validate(fields | {"when_unreachable": when})


def secret(reference: str) -> str:
    if reference != "env:TOKEN":
        raise ValueError("the environment variable GONE is not set")
    return "Bearer x"


def problems(entry: RouteEntry, filters: tuple[Filter[Any], ...] = (Claims(),)) -> list[tuple[Any, ...]]:
    return [path for path, _ in unacceptable(entry, filters, secret)]


def test_rules_of_a_policy_are_rules_of_the_data_plane() -> None:
    entries = [
        OutcomeEntry.model_validate({"status": 402, "outcome": "failed"}),
        OutcomeEntry.model_validate({"status": [500, 503], "code": "not_processed", "outcome": "released"}),
        OutcomeEntry.model_validate({"header": {"x-state": "later"}, "outcome": "pending"}),
        OutcomeEntry.model_validate({"value": {"/status": "processing"}, "outcome": "pending"}),
    ]
    outcomes = outcomes_of(entries)
    none = Headers()
    assert outcomes.of(402, none, b"") is Outcome.FAILED
    assert outcomes.of(503, none, b'{"code": "not_processed"}') is Outcome.RELEASED
    assert outcomes.of(503, none, b"{}") is Outcome.IN_DOUBT
    assert outcomes.of(200, Headers({"x-state": "later"}), b"") is Outcome.PENDING
    assert outcomes.of(200, none, b'{"status": "processing"}') is Outcome.PENDING


def test_a_route_that_refuses_has_no_problems() -> None:
    assert problems(route(), ()) == []


def test_a_route_that_accepts_what_it_can_keep_has_none() -> None:
    assert problems(route(ACCEPT | {"headers": {"authorization": "env:TOKEN"}})) == []


@pytest.mark.parametrize("payment", [None, {"operation": "payment.capture"}])
def test_what_is_accepted_has_a_known_amount(payment: dict[str, Any] | None) -> None:
    assert problems(route(ACCEPT, payment=payment)) == [("accept",)]


def test_what_is_accepted_is_claimed() -> None:
    assert problems(route(ACCEPT), ()) == [("accept",)]


def test_a_ceiling_is_in_a_currency_that_there_is() -> None:
    assert problems(route(ACCEPT | {"ceiling": {"eur": 1, "xxy": 1}})) == [("accept", "ceiling", "xxy")]


def test_a_credential_is_to_be_had() -> None:
    assert problems(route(ACCEPT | {"headers": {"authorization": "env:GONE"}})) == [
        ("accept", "headers", "authorization")
    ]
