from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.cli.story import away, story

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)

PAYMENT: dict[str, Any] = {
    "id": "aipnyw",
    "state": "in_doubt",
    "revision": 4,
    "epoch": 2,
    "route": "create-payment",
    "operation": "payment.create",
    "upstream": "backend",
    "amount": 4200,
    "currency": "eur",
    "owner": "ada",
    "created_at": "2026-11-23T02:50:00.000000Z",
    "due_at": "2026-11-23T03:02:00.000000Z",
    "lease_until": "2026-11-23T02:51:00.000000Z",
    "request_id": "req7",
    "trace_id": "4bf9",
    "policy": "0123456789abcdef",
    "key": "ab" * 32,
    "link": None,
    "asked": 1,
    "stored": {"request": {"kept": True, "bytes": 700}, "answer": {"kept": False, "bytes": 0}},
    "history": [
        {"at": "2026-11-23T02:50:00.000000Z", "state": "reserved", "by": "gateway", "reason": ""},
        {"at": "2026-11-23T02:50:00.010000Z", "state": "sent", "by": "gateway", "reason": ""},
        {"at": "2026-11-23T02:50:08.000000Z", "state": "in_doubt", "by": "gateway", "reason": "upstream_timeout"},
    ],
    "trail": {
        "filters": [
            {"name": "principal", "mode": "enforce", "decision": "passed", "ms": 0.012},
            {"name": "fraud", "mode": "shadow", "decision": "would_refuse", "code": "fraud_suspected", "ms": 0.03},
        ],
        "notes": [{"filter": "fraud", "code": "score", "detail": {"points": 91, "why": ["velocity", "bin"]}}],
        "attempts": [
            {
                "number": 1,
                "after_ms": 1.2,
                "ms": 8000.0,
                "delivery": "unknown",
                "status": None,
                "error": "upstream_timeout",
            }
        ],
        "answers": [
            {
                "at": "2026-11-23T02:52:00.000000Z",
                "last_at": "2026-11-23T02:52:00.000000Z",
                "times": 1,
                "resolver": "status_url",
                "verdict": "absent",
                "by_key": True,
                "detail": "404",
            }
        ],
        "earlier": [],
        "cut": False,
    },
    "resolvable_to": ["succeeded", "failed", "released"],
}


def test_the_story_of_a_payment_in_doubt() -> None:
    assert story(PAYMENT, NOW) == (
        """Payment aipnyw: payment.create, 4200 eur (minor units)
in_doubt since 2026-11-23 02:50:08.000 (10m ago): nobody knows yet whether it was executed
Times are in UTC.

It came
  2026-11-23 02:50:00.000  on route create-payment, from ada, with a key
  request req7, trace 4bf9
  policy 0123456789ab
  claimed 2 times; the request is the last one's
  kept, encrypted: request

What each filter did
  1. principal            passed  0.012 ms
  2. fraud (shadow)       would refuse  fraud_suspected  0.03 ms
       noted score: points 91, why velocity bin

Attempts at backend
  1. after 1.2 ms: no answer, upstream_timeout; it may have been executed  8000 ms

States
  2026-11-23 02:50:00.000  reserved    by gateway
  2026-11-23 02:50:00.010  sent        by gateway
  2026-11-23 02:50:08.000  in_doubt    by gateway: upstream_timeout

What resolvers answered
  2026-11-23 02:52:00.000  status_url: absent by our key  (404)

What happens next
  Resolvers are asked again at 2026-11-23 03:02:00.000 (in 2m). Asked so far: once.
  A repeat of its key is answered 409; it is not sent again.
  If you know what became of it:
    payguard payments resolve aipnyw --state succeeded|failed --reason 'how you know it'
"""
    )


@pytest.mark.parametrize(
    ("state", "next_"),
    [
        ("succeeded", "Nothing: it is settled. A repeat of its key is answered 409 answer_unavailable"),
        ("released", "Nothing, unless the client comes again"),
        ("accepted", "by 2026-11-23 03:02:00.000 (in 2m), it has failed, and was never sent."),
        ("held", "A reviewer decides"),
        ("reserved", "Whoever claimed it sends it"),
        ("sent", "Recovery takes it up, should its owner be lost"),
        ("unresolved", "Nobody is asked any more."),
    ],
)
def test_each_state_says_what_happens_next(state: str, next_: str) -> None:
    assert next_ in story({**PAYMENT, "state": state, "resolvable_to": []}, NOW)


def test_the_time_before_is_told_after_the_last_one() -> None:
    earlier = {"filters": [{"name": "fraud", "mode": "enforce", "decision": "refused", "code": "declined", "ms": 1.0}]}
    told = story({**PAYMENT, "trail": {**PAYMENT["trail"], "earlier": [earlier], "cut": True}}, NOW)

    assert (
        """  the time before:
    1. fraud                refused  declined  1 ms
  (more was noted than is kept)
"""
        in told
    )


def test_what_was_lost_with_its_gateway_is_said_to_be() -> None:
    trail = {name: [] for name in ("filters", "notes", "attempts", "answers", "earlier")} | {"cut": False}
    told = story({**PAYMENT, "trail": trail}, NOW)

    assert "  not written down: that is done with the outcome" in told
    assert "Attempts at backend" not in told


def test_resolvers_that_said_the_same_again_are_told_once() -> None:
    [answer] = PAYMENT["trail"]["answers"]
    again = {**answer, "times": 3, "last_at": "2026-11-23T02:59:00.000000Z", "amount": 4200, "currency": "eur"}
    told = story({**PAYMENT, "trail": {**PAYMENT["trail"], "answers": [again]}}, NOW)

    assert "status_url: absent 4200 eur by our key, 3 times until 2026-11-23 02:59:00.000  (404)\n" in told


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        ("2026-11-23T02:59:58.000000Z", "2s ago"),
        ("2026-11-23T02:00:00.000000Z", "1h ago"),
        ("2026-11-20T03:00:00.000000Z", "3d ago"),
        ("2026-11-23T03:00:30.000000Z", "in 30s"),
    ],
)
def test_moments_are_told_as_people_would(moment: str, told: str) -> None:
    assert away(moment, NOW) == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"state": "waiting"}, "The next attempt is at 2026-11-23 03:10:00.000 (in 10m), if it is still due."),
        ({"state": "waiting"}, "payguard payments retries cancel aipnyw --reason 'why'"),
        ({"state": "attempting"}, "The attempt second is open; there is no other before it is settled."),
        ({"state": "ended", "reason": "not_due"}, "Ended: not due. There is no other attempt."),
    ],
)
def test_when_a_declined_payment_is_tried_again_is_told(changes: dict[str, Any], told: str) -> None:
    at = "2026-11-23T02:51:00.000000Z"
    retry = {
        "payment": "aipnyw",
        "reason": "",
        "last_attempt": "second",
        "due_at": "2026-11-23T03:10:00.000000Z",
        "history": [{"at": at, "what": "scheduled", "by": "gateway", "reason": "insufficient_funds"}],
    }
    linked = [{"kind": "retry_of", "id": "second", "state": "failed", "created_at": at}]
    text = story(PAYMENT | {"state": "failed", "linked": linked, "retry": retry | changes}, NOW)

    assert told in text
    assert "Tried again\n  2026-11-23 02:51:00.000  retry of this: second, failed" in text
    assert "scheduled     by gateway: insufficient_funds" in text


DECISION: dict[str, Any] = {
    "id": "aipd",
    "decision": "review",
    "score": 67,
    "decided_by": "score",
    "mode": "shadow",
    "reasons": [{"code": "email_disposable", "value": 1.0, "baseline": 0.5, "points": 25.0}],
    "model": "points:0123",
    "policy": "0123456789abcdef",
    "label": {"fraud": True, "source": "chargeback"},
}


def test_how_risky_it_was_is_told_with_reasons_and_what_became_of_it() -> None:
    told = story(PAYMENT, NOW, DECISION)

    assert "How risky it was\n  review, score 67, decided by score, in shadow: nothing was done\n" in told
    assert "   +25.0  email_disposable 1, usual 0.5\n" in told
    assert "it turned out to be fraud, says chargeback" in told
    assert "in shadow" not in story(PAYMENT, NOW, DECISION | {"mode": "enforce", "label": None})
    assert "How risky" not in story(PAYMENT, NOW)
