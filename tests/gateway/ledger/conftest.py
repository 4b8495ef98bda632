"""Payments in every state."""

from __future__ import annotations

import secrets
from typing import Any

from gateway.ids import payment_id, request_id
from gateway.ledger.records import Entry, Record, Settlement, State
from gateway.ledger.sql import SqlLedger

LONG = 1000.0
OVER = -1.0
"""Seconds of a lease: it ended before it began, so that no test has to wait for its end."""

ROOM = {"most": 1000, "ceiling": 10**9}


def entry(**given: Any) -> Entry:
    """A payment with a claim of its own."""
    made = Entry(
        id=payment_id(),
        route="create-payment",
        operation="payment.create",
        upstream="backend",
        request_id=request_id(),
        trace_id=secrets.token_hex(16),
        policy="5ba1",
        keep=LONG,
        owner="merchant",
        claim=secrets.token_bytes(32),
        fingerprint="salt:00ff",
        amount=1999,
        currency="eur",
    )
    return made._replace(**given)


def settlement(state: State, **given: Any) -> Settlement:
    due = LONG if state in (State.PENDING, State.IN_DOUBT) else None
    return Settlement(state, "", "answered", 1, due_in=due)._replace(**given)


async def accepted(ledger: SqlLedger, lease: float = LONG, within: float = LONG, **given: Any) -> Entry:
    """One that was reserved, and whose upstream could not be reached."""
    made = entry(**given)
    assert await ledger.reserve(made, lease)
    assert await ledger.accept(made.id, 1, b"request", b"{}", **ROOM, within=within)
    return made


async def brought(ledger: SqlLedger, state: State, *, promised: bool = False, lease: float = LONG) -> Record:
    """A payment in ``state``; with ``promised``, one that was accepted on its way there."""
    made = await accepted(ledger) if promised else entry()
    if promised and state is not State.ACCEPTED:
        [record] = await ledger.take_accepted(1, lease)
        if state is not State.RESERVED:
            assert await ledger.send(made.id, record.epoch, lease) or lease < 0
    elif state is State.RESERVED:
        assert await ledger.reserve(made, lease)
    elif not promised:
        assert await ledger.begin(made, lease)
    if state not in (State.RESERVED, State.SENT) and not (promised and state is State.ACCEPTED):
        epoch = (await found(ledger, made.id)).epoch
        if state is State.ACCEPTED:
            assert await ledger.accept(made.id, epoch, b"request", b"{}", **ROOM, within=LONG)
        else:
            assert await ledger.settle(made.id, epoch, settlement(state))
    record = await found(ledger, made.id)
    assert record.state is state
    return record


async def found(ledger: SqlLedger, id: str) -> Record:  # noqa: A002
    record = await ledger.find(id)
    assert record is not None
    return record
