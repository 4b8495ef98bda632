from __future__ import annotations

import orjson
import pytest

from gateway.errors import Rejected, UpstreamTimeout
from gateway.exchange import Attempt, Delivery, Note, Step
from gateway.facts import Principal
from gateway.messages import Response
from gateway.outcomes import Outcome
from gateway.telemetry.masking import MASK, Masking
from gateway.telemetry.records import pretty, record
from tests.gateway.telemetry.documented import table
from tests.gateway.telemetry.exchanges import SPAN_ID, TRACE_ID, ended

MASKING = Masking()
NOW = "2026-11-05T10:11:12.123456Z"


def test_a_payment_that_went_well_says_all_there_is_to_say():
    said = record(ended(facts=(Principal("user-17"),)), NOW, "info", Outcome.SUCCEEDED, MASKING)
    assert orjson.loads(orjson.dumps(said)) == {
        "ts": NOW,
        "level": "info",
        "event": "exchange",
        "request_id": "0199a1b2c3d4",
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "route": "create-payment",
        "method": "POST",
        "path": "/v1/payments",
        "status": 201,
        "delivery": "answered",
        "ms": pytest.approx(12.5, abs=0.01),
        "bytes_in": 600,
        "bytes_out": 420,
        "client": "203.0.113.7",
        "operation": "payment.create",
        "outcome": "succeeded",
        "upstream": "backend",
        "upstream_ms": pytest.approx(10.5, abs=0.01),
        "attempts": [{"number": 1, "status": 201, "ms": pytest.approx(10.5, abs=0.01)}],
        "principal": "user-17",
        "filters": [{"name": "principal", "mode": "enforce", "decision": "passed", "ms": 0.1}],
    }


def test_a_refusal_says_who_refused_and_why_and_that_nothing_was_sent():
    refused = ended(
        attempts=[],
        error=Rejected("no"),
        delivery=Delivery.UNSENT,
        response=Response(403),
        steps=[Step("principal", "enforce", "refused", 0.0, "rejected")],
    )
    said = record(refused, NOW, "info", Outcome.RELEASED, MASKING)
    assert (said["code"], said["delivery"], said["outcome"]) == ("rejected", Delivery.UNSENT, "released")
    assert said["filters"] == [
        {"name": "principal", "mode": "enforce", "decision": "refused", "ms": 0.0, "code": "rejected"}
    ]
    assert not said.keys() & {"attempts", "upstream", "upstream_ms", "principal"}


def test_each_attempt_says_how_it_went():
    attempts = [Attempt(1, 0.0, 0.25, error="upstream_timeout"), Attempt(2, 0.5, 0.75, status=200)]
    said = record(ended(attempts=attempts, error=UpstreamTimeout()), NOW, "info", None, MASKING)
    assert said["attempts"] == [
        {"number": 1, "status": None, "ms": 250.0, "error": "upstream_timeout"},
        {"number": 2, "status": 200, "ms": 250.0},
    ]
    assert said["upstream_ms"] == 500.0


def test_a_client_that_has_gone_leaves_no_status():
    assert record(ended(response=None), NOW, "info", None, MASKING)["status"] is None


def test_notes_are_masked_by_the_names_of_their_fields():
    note = Note("fraud", "scored", {"score": 12, "cvc": "123"})
    said = record(ended(notes=[note, Note("fraud", "slow")]), NOW, "info", None, MASKING)
    assert said["notes"] == [
        {"filter": "fraud", "code": "scored", "detail": {"score": 12, "cvc": MASK}},
        {"filter": "fraud", "code": "slow"},
    ]


def test_the_query_is_left_out_unless_asked_for_and_then_masked():
    exchange = ended(target=b"/v1/payments?limit=10&cvc=123&card=4111%201111%201111%201111")
    assert "query" not in record(exchange, NOW, "info", None, MASKING)
    said = record(exchange, NOW, "info", None, MASKING, query=True)
    assert said["query"] == f"limit=10&cvc={MASK}&card=[card *1111]"
    assert said["path"] == "/v1/payments"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/v1/customers/a%40b.example", "/v1/customers/a%40b.example"),
        (b"/v1/cards/4111%201111%201111%201111", "/v1/cards/[card *1111]"),
        (b"/v1/cards/%34111111111111111", "/v1/cards/[card *1111]"),
        (b"/caf\xc3\xa9", "/caf\\xc3\\xa9"),
    ],
)
def test_a_path_is_as_it_came_unless_what_it_spells_is_secret(target, path):
    assert record(ended(target=target), NOW, "info", None, MASKING)["path"] == path


def test_people_get_one_line_with_what_went_wrong():
    refused = ended(response=Response(403), error=Rejected(), steps=[Step("principal", "enforce", "refused", 0.0)])
    line = pretty(record(refused, NOW, "info", Outcome.RELEASED, MASKING), colours=False)
    assert line.split("  ") == [
        "10:11:12.123",
        "403",
        "POST",
        "/v1/payments",
        "12.5 ms",
        "create-payment",
        "released",
        "rejected",
        "principal refused",
        "0199a1b2c3d4\n",
    ]


def test_people_with_colours_see_the_class_of_the_status():
    assert "\x1b[31m503\x1b[0m" in pretty(
        record(ended(response=Response(503)), NOW, "info", None, MASKING), colours=True
    )


def test_every_field_is_documented_and_no_other_is():
    full = ended(
        target=b"/v1/payments?limit=10",
        facts=(Principal("user-17"),),
        error=Rejected(),
        notes=[Note("fraud", "scored")],
    )
    documented = [field for field, *_ in table("The log")]
    assert sorted(record(full, NOW, "info", Outcome.SUCCEEDED, MASKING, query=True)) == sorted(documented)
    always = [field for field, there, _ in table("The log") if there == "always"]
    bare = ended(operation=None, attempts=[], steps=[])
    assert list(record(bare, NOW, "info", None, MASKING)) == always
