from __future__ import annotations

from typing import Any

import orjson

from gateway.body import Body
from gateway.exchange import Attempt, Delivery, Exchange, Note, Step
from gateway.ledger.records import Evidence
from gateway.ledger.trail import LIMIT, MOST_ANSWERS, merge, trail_of
from gateway.messages import Received, Request
from gateway.telemetry.masking import MASK, Masking
from gateway.trace import Trace

MASKS = Masking()


def exchange(*, notes: list[Note] | None = None) -> Exchange:
    received = Received("POST", b"/v1/payments", (), Body(b"{}"), "203.0.113.7", "10.0.0.9", "http")
    made = Exchange("r1", received, Request("POST", "/v1/payments"), Trace("0" * 32, "0" * 16, None, False), 100.0)
    made.steps = [Step("principal", "enforce", "passed", 0.00012), Step("limit", "shadow", "would_refuse", 0.002, "no")]
    made.attempts = [
        Attempt(1, 100.001, 100.0015, Delivery.UNSENT, error="upstream_unreachable"),
        Attempt(2, 100.05, 100.06, Delivery.ANSWERED, status=201),
    ]
    made.notes = notes or []
    return made


def read(trail: bytes) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(trail)
    return document


def says(resolver: str = "backend", verdict: Any = "absent", **more: Any) -> Evidence:
    return Evidence(resolver, verdict, **more)


def test_it_holds_what_each_filter_did_and_how_each_attempt_went() -> None:
    trail = read(trail_of(exchange(), MASKS))

    assert trail == {
        "filters": [
            {"name": "principal", "mode": "enforce", "decision": "passed", "ms": 0.12},
            {"name": "limit", "mode": "shadow", "decision": "would_refuse", "ms": 2.0, "code": "no"},
        ],
        "attempts": [
            {
                "number": 1,
                "after_ms": 1.0,
                "ms": 0.5,
                "delivery": "unsent",
                "status": None,
                "error": "upstream_unreachable",
            },
            {"number": 2, "after_ms": 50.0, "ms": 10.0, "delivery": "answered", "status": 201},
        ],
    }


def test_notes_are_masked_by_the_names_of_their_fields_and_by_what_they_hold() -> None:
    note = Note("fraud", "scored", {"cvc": "123", "why": "card 4242 4242 4242 4242", "points": 7})

    trail = read(trail_of(exchange(notes=[note]), MASKS))

    detail = {"cvc": MASK, "why": "card [card *4242]", "points": 7}
    assert trail["notes"] == [{"filter": "fraud", "code": "scored", "detail": detail}]


def test_what_a_filter_puts_into_a_code_is_masked_too() -> None:
    trail = trail_of(exchange(notes=[Note("x", "Bearer abcdefgh12345678")]), MASKS)

    assert b"abcdefgh12345678" not in trail


def test_without_masks_details_are_left_out() -> None:
    trail = read(trail_of(exchange(notes=[Note("fraud", "scored", {"why": "4242424242424242"})])))

    assert trail["notes"] == [{"filter": "fraud", "code": "scored"}]


def test_a_note_may_hold_what_json_cannot_write() -> None:
    trail = read(trail_of(exchange(notes=[Note("x", "y", {"of": {1: Delivery.UNSENT, "kind": Exchange}})]), MASKS))

    assert trail["notes"][0]["detail"]["of"]["1"] == "unsent"


def test_a_trail_is_bounded_and_says_that_it_was_cut() -> None:
    many = [Note("talker", f"note-{number}", {"text": "x" * 2000}) for number in range(300)]

    trail = trail_of(exchange(notes=many), MASKS)

    assert len(trail) <= LIMIT
    document = read(trail)
    assert document["cut"] is True
    assert [note["code"] for note in (document["notes"][0], document["notes"][-1])] == ["note-0", "note-299"]
    assert len(document["filters"]) == len(document["attempts"]) == 2


def test_one_long_detail_goes_and_what_is_short_stays() -> None:
    notes = [Note("talker", "long", {"text": "x" * 5000}), Note("fraud", "scored", {"points": 7})]

    document = read(trail_of(exchange(notes=notes), MASKS))

    assert document["notes"] == [
        {"filter": "talker", "code": "long"},
        {"filter": "fraud", "code": "scored", "detail": {"points": 7}},
    ]


def test_a_payment_that_is_executed_once_more_keeps_the_trail_of_the_time_before() -> None:
    first = {"filters": [{"name": "fraud", "mode": "enforce", "decision": "refused", "ms": 1.0}]}
    second = read(trail_of(exchange(), MASKS, first))
    third = read(trail_of(exchange(), MASKS, second))

    assert second["earlier"] == [first]
    assert [sorted(each) for each in third["earlier"]] == [["attempts", "filters"], ["filters"]]


def test_of_many_times_before_the_first_and_the_last_are_kept() -> None:
    trail = read(trail_of(exchange(notes=[Note("fraud", "time-0")]), MASKS))
    for number in range(1, 9):
        trail = read(trail_of(exchange(notes=[Note("fraud", f"time-{number}")]), MASKS, trail))

    assert [each["notes"][0]["code"] for each in trail["earlier"]] == ["time-7", "time-6", "time-0"]
    assert trail["cut"] is True


def test_what_resolvers_answered_is_added_with_its_time() -> None:
    before = read(trail_of(exchange(), MASKS))
    found = says("stripe", "succeeded", by_key=True, amount=1000, currency="eur", detail="pi_1")

    trail = read(merge(before, [says(), found], at=5.0, masks=MASKS))

    assert {name: trail[name] for name in before} == before
    assert trail["answers"] == [
        {"at": 5.0, "last_at": 5.0, "times": 1, "resolver": "backend", "verdict": "absent", "by_key": False},
        {
            "at": 5.0,
            "last_at": 5.0,
            "times": 1,
            "resolver": "stripe",
            "verdict": "succeeded",
            "by_key": True,
            "amount": 1000,
            "currency": "eur",
            "detail": "pi_1",
        },
    ]


def test_the_same_answer_again_is_counted_and_not_repeated() -> None:
    trail: dict[str, Any] = {}
    for at in (1.0, 2.0, 3.0):
        trail = read(merge(trail, [says(), says("stripe", "unknown")], at=at, masks=MASKS))
    trail = read(merge(trail, [says(verdict="succeeded"), says("stripe", "unknown")], at=4.0, masks=MASKS))

    told = [
        (each["resolver"], each["verdict"], each["at"], each["last_at"], each["times"]) for each in trail["answers"]
    ]
    assert told == [
        ("backend", "absent", 1.0, 3.0, 3),
        ("stripe", "unknown", 1.0, 4.0, 4),
        ("backend", "succeeded", 4.0, 4.0, 1),
    ]


def test_an_answer_that_comes_back_after_another_is_told_as_a_new_one() -> None:
    trail: dict[str, Any] = {}
    for at, verdict in enumerate(("absent", "succeeded", "absent")):
        trail = read(merge(trail, [says(verdict=verdict)], at=at, masks=MASKS))

    assert [each["verdict"] for each in trail["answers"]] == ["absent", "succeeded", "absent"]


def test_answers_are_bounded_and_the_first_and_the_last_are_kept() -> None:
    trail: dict[str, Any] = {}
    for number in range(3 * MOST_ANSWERS):
        line = merge(trail, [says(detail=f"{number} {'x' * 500}")], at=number, masks=MASKS)
        assert len(line) <= LIMIT
        trail = read(line)

    details = [each["detail"].split()[0] for each in trail["answers"]]
    assert details[0] == "0"
    assert details[-1] == str(3 * MOST_ANSWERS - 1)
    assert trail["cut"] is True


def test_what_a_resolver_quotes_is_masked() -> None:
    trail = merge({}, [says(detail="charge on 4242424242424242")], at=1.0, masks=MASKS)

    assert b"4242424242424242" not in trail
