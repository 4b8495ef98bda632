"""Facts: what is learned of an exchange and crosses from one plugin to another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, verified.  Owns idempotency keys, limits and cache entries."""

    id: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was stored of this payment is run now: whoever judged it then does not judge it again."""

    payment: str


@dataclass(frozen=True, slots=True)
class Card:
    """A card without its number: its keyed hash with the salt's id, the first six digits, the last four."""

    hash: str
    bin: str
    last4: str


@dataclass(frozen=True, slots=True)
class Payment:
    """The facts of a money-moving request, read from the body as received.

    ``amount`` is in minor units of ``currency``, a lower-case ISO 4217 code.  Both are None for an operation whose
    route names no amount, such as the capture of a whole authorisation.
    """

    operation: str
    amount: int | None = None
    currency: str | None = None
    customer: str | None = None
    email: str | None = None
    card: Card | None = None
    ip: str | None = None
