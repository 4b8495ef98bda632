"""Outcomes: what an answer means for the payment, unless its route says otherwise."""

from __future__ import annotations

from enum import StrEnum

from gateway.exchange import Delivery, Exchange


class Outcome(StrEnum):
    """What is known of a payment once its exchange has ended."""

    SUCCEEDED = "succeeded"
    PENDING = "pending"
    """Taken, and not yet through."""

    FAILED = "failed"
    """The upstream said no."""

    RELEASED = "released"
    """Certainly not executed: the same request may come again."""

    IN_DOUBT = "in_doubt"
    """It may or may not have happened: someone who knows must be asked."""

    REPEATED = "repeated"
    """Of a request whose key had come before: it was answered from the ledger, and nothing was executed now."""


_NOT_EXECUTED = frozenset({401, 403, 429})
_INCONCLUSIVE = frozenset({408, 409, 425})


def outcome(delivery: Delivery, status: int | None) -> Outcome:
    """The default mapping.  ``status`` is the upstream's own, None where no answer of it could be read.

    What was answered or refused above the upstream is released, whatever the client was told: nothing was executed.
    """
    if delivery is Delivery.UNSENT:
        return Outcome.RELEASED
    if delivery is Delivery.UNKNOWN or status is None:
        return Outcome.IN_DOUBT
    if 200 <= status < 300:
        return Outcome.PENDING if status == 202 else Outcome.SUCCEEDED
    if status in _NOT_EXECUTED:
        return Outcome.RELEASED
    if 400 <= status < 500 and status not in _INCONCLUSIVE:
        return Outcome.FAILED
    return Outcome.IN_DOUBT


def outcome_of(exchange: Exchange) -> Outcome:
    """Of an exchange that has ended: what the upstream said last counts, not what filters made of it.

    A route's own mapping has put it on the exchange where there is one.
    """
    if exchange.outcome is not None:
        return exchange.outcome
    for attempt in reversed(exchange.attempts):
        if attempt.status is not None:
            return outcome(exchange.delivery, attempt.status)
    return outcome(exchange.delivery, None)
