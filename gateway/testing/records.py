"""A record as a resolver is asked of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway import Record, State

_RECORD = Record(
    id="p0190a1b2c3d4aaaaaaaaaaaaa",
    state=State.IN_DOUBT,
    epoch=1,
    revision=3,
    route="create-payment",
    operation="payment.create",
    upstream="backend",
    request_id="request-1",
    trace_id="0af7651916cd43dd8448eb211c80319c",
    policy="digest",
    owner="shop-1",
    claim=b"c" * 32,
    fingerprint=None,
    amount=1999,
    currency="eur",
    customer=None,
    card=None,
    link_kind=None,
    link_id=None,
    keep=86400.0,
    created_at=1000.0,
    sent_at=1000.0,
    lease_until=1020.0,
    accepted_until=None,
    settled_at=None,
    due_at=1080.0,
    asked=0,
    delivery="unknown",
    attempts=1,
    status=None,
    reason="",
)


def record(**changes: Any) -> Record:
    """A payment of 19.99 euros that is in doubt, with ``changes``."""
    return replace(_RECORD, **changes)
