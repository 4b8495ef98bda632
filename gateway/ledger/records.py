"""What the ledger keeps of a payment, and what changes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple


class State(StrEnum):
    """DESIGN of the states: ``docs/concepts.md``."""

    ACCEPTED = "accepted"
    """Kept, to be sent once the upstream is back."""

    HELD = "held"
    """Kept, until a reviewer decides."""

    RESERVED = "reserved"
    """Claimed under a lease, not sent."""

    SENT = "sent"
    """Committed before the first byte: it may have been executed."""

    PENDING = "pending"
    """The upstream took it and has not finished."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"

    IN_DOUBT = "in_doubt"
    """Somebody who knows must be asked."""

    UNRESOLVED = "unresolved"
    """Nobody who was asked knows, or they contradict each other: a human decides."""

    RELEASED = "released"
    """Certainly not executed: the same key may come again."""


SETTLED = frozenset({State.SUCCEEDED, State.FAILED, State.RELEASED})
"""Those that are kept only as long as the policy says."""


class Entry(NamedTuple):  # made for each payment: a frozen dataclass takes five times as long
    """A payment that is new to the ledger.

    ``claim`` is the digest of owner, route and key (32 bytes; None where the request has no key) and unique;
    ``fingerprint`` the keyed hash of the bytes received, ``salt id:hex``.  ``amount`` is in minor units; ``customer``
    and ``card`` are keyed hashes.  ``keep`` is for how many seconds it is kept once it is settled, at least; never
    less than the time in which its key is recognised.  ``reference`` is the digest of what is paid for, such as an
    invoice: of one reference at most one payment is open or has succeeded; ``method`` that of a stored payment method.
    Both are for routes with scheduled retries, and last: no other statement takes them.
    """

    id: str
    route: str
    operation: str
    upstream: str
    request_id: str
    trace_id: str
    policy: str
    keep: float
    owner: str | None = None
    claim: bytes | None = None
    fingerprint: str | None = None
    amount: int | None = None
    currency: str | None = None
    customer: str | None = None
    card: str | None = None
    link_kind: Literal["refund_of", "capture_of", "retry_of"] | None = None
    link_id: str | None = None
    reference: bytes | None = None
    method: bytes | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a record's history.

    ``at`` is by the database's clock; ``by`` is gateway, recovery, drainer, the name of a resolver, or ``human:NAME``.
    """

    at: float
    state: State
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A payment as the ledger has it.  Times are seconds since the epoch by the database's clock.

    ``epoch`` counts the claims: who holds another one may not send.  ``revision`` counts the changes: who read
    another one may not decide.  ``due_at`` is when somebody should look after it, None where nobody need.
    ``request`` and ``answer`` are sealed (``gateway.ledger.bodies``); None where they were not kept.
    """

    id: str
    state: State
    epoch: int
    revision: int
    route: str
    operation: str
    upstream: str
    request_id: str
    trace_id: str
    policy: str
    owner: str | None
    claim: bytes | None
    fingerprint: str | None
    amount: int | None
    currency: str | None
    customer: str | None
    card: str | None
    link_kind: str | None
    link_id: str | None
    keep: float
    created_at: float
    sent_at: float | None
    """When it was first sent, at the earliest."""
    lease_until: float | None
    """Until when the owner of ``epoch`` may begin to send, and follows what it sent."""
    accepted_until: float | None
    """Until when it may be sent, of one that was accepted while its upstream could not be reached."""
    settled_at: float | None
    due_at: float | None
    asked: int
    """How often resolvers were asked."""
    delivery: str | None
    attempts: int
    status: int | None
    """Of the upstream's answer."""
    reason: str
    history: Sequence[Change] = ()
    trail: Mapping[str, Any] = field(default_factory=dict)
    """What each filter did and noted, the attempts, and what resolvers said."""
    request: bytes | None = None
    answer: bytes | None = None
    reference: bytes | None = None
    method: bytes | None = None

    @property
    def key(self) -> str | None:
        """What the upstream sees as the idempotency key."""
        return None if self.claim is None else self.claim.hex()


class ReferenceTaken(Exception):
    """Of this business reference another payment is open, or has succeeded: ``holder``."""

    def __init__(self, holder: Record) -> None:
        super().__init__(holder.id)
        self.holder = holder


class Settlement(NamedTuple):
    """What became of a payment, as its owner knows it.

    ``due_in`` is after how many seconds recovery takes it up, for states that are not settled.
    """

    state: State
    reason: str
    delivery: str
    attempts: int
    status: int | None = None
    answer: bytes | None = None
    trail: bytes | None = None
    """JSON."""
    due_in: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a resolver found out.  ``verdict`` ``absent`` means that the one who was asked knows of no such payment.

    ``by_key`` says that the look-up was by our own key or id; ``amount`` and ``currency`` are what was found, in
    minor units and lower case.
    """

    resolver: str
    verdict: Literal["succeeded", "failed", "pending", "absent", "unknown"]
    by_key: bool = False
    amount: int | None = None
    currency: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """Which payments to list.  All that is given must hold; ``customers`` are the hashes under every live salt."""

    states: Sequence[State] = ()
    route: str | None = None
    owner: str | None = None
    claim: bytes | None = None
    request_id: str | None = None
    customers: Sequence[str] = ()
    least: int | None = None
    most: int | None = None
    currency: str | None = None
    older_than: float | None = None
    """Seconds since it was created."""
    limit: int = 50
    cursor: str | None = None
    """The id after which to go on; pages come newest first."""


class Page(list[Record]):
    """Payments of a list, the newest first.

    ``after`` is the id after which to go on where the look ended before the page was full, and there are more to look
    at; else None.
    """

    def __init__(self, records: Iterable[Record] = (), after: str | None = None) -> None:
        super().__init__(records)
        self.after = after
