from __future__ import annotations

import orjson
import pytest
from starlette.datastructures import Headers

from gateway.dataplane.outcomes import Outcomes, Rule
from gateway.outcomes import Outcome

NO_HEADERS = Headers()


def body(document: object) -> bytes:
    return orjson.dumps(document)


def test_without_rules_the_default_mapping_decides() -> None:
    outcomes = Outcomes()
    found = [outcomes.of(status, NO_HEADERS, b"") for status in (200, 202, 402, 429, 503)]
    assert found == [Outcome.SUCCEEDED, Outcome.PENDING, Outcome.FAILED, Outcome.RELEASED, Outcome.IN_DOUBT]


def test_the_first_rule_that_holds_decides() -> None:
    outcomes = Outcomes([Rule(Outcome.FAILED, frozenset({503})), Rule(Outcome.RELEASED, frozenset({503, 504}))])
    assert outcomes.of(503, NO_HEADERS, b"") is Outcome.FAILED
    assert outcomes.of(504, NO_HEADERS, b"") is Outcome.RELEASED
    assert outcomes.of(500, NO_HEADERS, b"") is Outcome.IN_DOUBT


@pytest.mark.parametrize(
    "document",
    [
        {"code": "not_processed"},
        {"error": {"code": "not_processed"}},
        {"error": {"code": "card_declined", "decline_code": "not_processed"}},
        {"decline_code": "not_processed"},
        {"error": "not_processed"},
    ],
)
def test_a_code_is_found_where_problems_and_processors_put_it(document: object) -> None:
    outcomes = Outcomes([Rule(Outcome.RELEASED, frozenset({503}), code="not_processed")])
    assert outcomes.of(503, NO_HEADERS, body(document)) is Outcome.RELEASED


@pytest.mark.parametrize("answer", [None, b"", b"not json", body({"code": "other"}), body(["not_processed"])])
def test_a_code_that_is_not_there_decides_nothing(answer: bytes | None) -> None:
    outcomes = Outcomes([Rule(Outcome.RELEASED, frozenset({503}), code="not_processed")])
    assert outcomes.of(503, NO_HEADERS, answer) is Outcome.IN_DOUBT


def test_all_that_a_rule_gives_must_hold() -> None:
    rule = Rule(Outcome.PENDING, frozenset({200}), {"x-state": "later"}, {"/status": "processing", "/livemode": "true"})
    outcomes = Outcomes([rule])
    later = Headers({"X-State": "later"})
    document = body({"status": "processing", "livemode": True})
    assert outcomes.of(200, later, document) is Outcome.PENDING
    assert outcomes.of(200, NO_HEADERS, document) is Outcome.SUCCEEDED
    assert outcomes.of(200, later, body({"status": "processing", "livemode": False})) is Outcome.SUCCEEDED
    assert outcomes.of(201, later, document) is Outcome.SUCCEEDED


def test_what_no_rule_says_is_told_from_what_one_says() -> None:
    outcomes = Outcomes([Rule(Outcome.FAILED, frozenset({422}))])
    assert outcomes.ruled(422, NO_HEADERS, None) is Outcome.FAILED
    assert outcomes.ruled(404, NO_HEADERS, None) is None
    assert Outcomes().ruled(200, NO_HEADERS, None) is None
