"""Schedules, made by hand and in a ledger."""

from __future__ import annotations

import secrets
from typing import Any

from gateway.ids import payment_id
from gateway.ledger.claims import attempt_of
from gateway.ledger.records import Entry, Settlement, State
from gateway.ledger.schedules import Caps, Phase, Planned, Schedule
from gateway.ledger.sql import SqlLedger
from tests.gateway.ledger.conftest import entry as payment

LONG = 1000.0
NOW = -1.0
"""Seconds until it is due: it was, so that no test has to wait."""

ANY = Caps(99, 99)


def schedule(**changes: Any) -> Schedule:
    """One that waits for its second attempt."""
    given: dict[str, Any] = {
        "payment": "aipnywamgwaaaaucygfwfkokip",
        "state": Phase.WAITING,
        "reason": "",
        "epoch": 2,
        "route": "renew",
        "owner": "ada",
        "reference": b"r" * 32,
        "method": b"m" * 32,
        "amount": 1999,
        "currency": "eur",
        "code": "insufficient_funds",
        "number": 1,
        "declined": 1,
        "missed": 0,
        "attempt": "aipoabmgwaaaaucygfwfkokipq",
        "created_at": 1000.0,
        "until": 9000.0,
        "due_at": 2000.0,
        "ended_at": None,
    }
    return Schedule(**given | changes)


def entry(**given: Any) -> Entry:
    """A payment with a reference and a stored method."""
    of_its_own = {"reference": secrets.token_bytes(32), "method": secrets.token_bytes(32)}
    return payment(route="renew", owner="ada", fingerprint=None, **of_its_own | given)


async def declined(ledger: SqlLedger, **given: Any) -> Entry:
    """A payment that was sent and declined."""
    made = entry(**given)
    assert await ledger.begin(made, LONG)
    assert await ledger.settle(made.id, 1, Settlement(State.FAILED, "", "answered", 1, 402))
    return made


def plan(made: Entry, **given: Any) -> Planned:
    assert made.reference is not None
    assert made.method is not None
    planned = Planned(
        made.id,
        made.route,
        made.owner,
        made.reference,
        made.method,
        made.amount,
        made.currency,
        "insufficient_funds",
        LONG,
        b"sealed",
    )
    return planned._replace(**given)


async def planned(ledger: SqlLedger, due_in: float = NOW, within: float = LONG, **given: Any) -> Entry:
    """A declined payment that is to be tried again."""
    made = await declined(ledger, **given)
    assert await ledger.schedules.add(plan(made), due_in, within)
    return made


async def there(ledger: SqlLedger, payment: str) -> Schedule:
    found = await ledger.schedules.find(payment)
    assert found is not None
    return found


def attempt(first: Entry, number: int = 1) -> Entry:
    """The gateway's own payment after a declined one."""
    claim = attempt_of(first.id, number)
    links: dict[str, Any] = {"link_kind": "retry_of", "link_id": first.id, "reference": None, "method": None}
    return first._replace(id=payment_id(), claim=claim, **links)


async def attempting(ledger: SqlLedger, lease: float = LONG, **given: Any) -> tuple[Entry, Entry]:
    """A declined payment, and the attempt that has been recorded for it and not yet sent."""
    first = await planned(ledger, **given)
    [taken] = [each for each in await ledger.schedules.take(99, LONG) if each.payment == first.id]
    made = attempt(first)
    assert await ledger.schedules.begin(taken, made.id, lease)
    assert await ledger.schedules.attempt(made, taken.epoch, lease, ANY)
    return first, made
