"""Payments as the API shows them: times in RFC 3339, amounts in minor units, never what a stored body holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.admin.answers import moment
from gateway.ledger.records import Record, State
from gateway.ledger.schedules import Schedule

RESOLVABLE: Mapping[State, tuple[State, ...]] = {
    State.PENDING: (State.SUCCEEDED, State.FAILED, State.RELEASED),
    State.IN_DOUBT: (State.SUCCEEDED, State.FAILED, State.RELEASED),
    State.UNRESOLVED: (State.SUCCEEDED, State.FAILED, State.RELEASED),
    State.ACCEPTED: (State.FAILED,),
    State.HELD: (State.FAILED,),
}
"""To what a human may take a payment, by the state that it is in."""


def item(record: Record) -> dict[str, Any]:
    """One of a list."""
    return {
        "id": record.id,
        "state": record.state,
        "route": record.route,
        "operation": record.operation,
        "amount": record.amount,
        "currency": record.currency,
        "created_at": moment(record.created_at),
        "request_id": record.request_id,
        "upstream": record.upstream,
        "owner": record.owner,
        "sent_at": moment(record.sent_at),
        "settled_at": moment(record.settled_at),
        "due_at": moment(record.due_at),
        "asked": record.asked,
        "delivery": record.delivery,
        "attempts": record.attempts,
        "status": record.status,
        "reason": record.reason,
        "link": None if record.link_id is None else {"kind": record.link_kind, "id": record.link_id},
        "revision": record.revision,
    }


def whole(record: Record, linked: Sequence[Record] = (), schedule: Schedule | None = None) -> dict[str, Any]:
    """Everything that is known of it; ``linked`` are those that name it, ``schedule`` that of its retries."""
    return item(record) | {
        "trace_id": record.trace_id,
        "policy": record.policy,
        "key": record.key,
        "fingerprint": record.fingerprint,
        "customer": record.customer,
        "card": record.card,
        "epoch": record.epoch,
        "lease_until": moment(record.lease_until),
        "accepted_until": moment(record.accepted_until),
        "keep_seconds": record.keep,
        "stored": {"request": _stored(record.request), "answer": _stored(record.answer)},
        "history": [
            {"at": moment(each.at), "state": each.state, "by": each.by, "reason": each.reason}
            for each in record.history
        ],
        "trail": _trail(record.trail),
        "resolvable_to": RESOLVABLE.get(record.state, ()),
        "linked": [
            {"kind": each.link_kind, "id": each.id, "state": each.state, "created_at": moment(each.created_at)}
            for each in linked
        ],
        "retry": None if schedule is None else retry(schedule) | {"history": _moments(schedule)},
    }


def retry(schedule: Schedule) -> dict[str, Any]:
    """When a declined payment is tried again; one of a list."""
    return {
        "payment": schedule.payment,
        "state": schedule.state,
        "reason": schedule.reason,
        "route": schedule.route,
        "owner": schedule.owner,
        "amount": schedule.amount,
        "currency": schedule.currency,
        "code": schedule.code,
        "attempts": schedule.number,
        "declined": schedule.declined,
        "last_attempt": schedule.attempt,
        "created_at": moment(schedule.created_at),
        "until": moment(schedule.until),
        "due_at": moment(schedule.due_at),
        "ended_at": moment(schedule.ended_at),
    }


def _moments(schedule: Schedule) -> list[dict[str, Any]]:
    return [
        {"at": moment(each.at), "what": each.what, "by": each.by, "reason": each.reason} for each in schedule.history
    ]


def _stored(sealed: bytes | None) -> dict[str, Any]:
    """Whether it is kept, and how large it is as it is kept: sealed."""
    return {"kept": sealed is not None, "bytes": 0 if sealed is None else len(sealed)}


def _trail(trail: Mapping[str, Any]) -> dict[str, Any]:
    """With every list there, empty or not, and its times as people write them."""
    lists = {name: trail.get(name, ()) for name in ("filters", "notes", "attempts", "answers", "earlier")}
    answers = [{**each, "at": moment(each["at"]), "last_at": moment(each["last_at"])} for each in lists["answers"]]
    return {**lists, "answers": answers, "cut": bool(trail.get("cut"))}
