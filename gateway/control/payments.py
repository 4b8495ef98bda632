"""Payments: from a route's ``payment`` entry to what reads the facts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gateway.control.policy import PaymentEntry
from gateway.crypto.salts import Salts
from gateway.currency import exponent
from gateway.dataplane.payment import PaymentReader

_UNBOUNDED = 2**63 - 1


def payment_reader(entry: PaymentEntry, salts: Salts) -> PaymentReader:
    """A limit that the entry leaves out is none."""
    bounds = {
        currency: (limits.least or 0, _UNBOUNDED if limits.most is None else limits.most)
        for currency, limits in entry.bounds.items()
    }
    return PaymentReader(
        entry.operation,
        amount=entry.amount,
        currency=entry.currency,
        customer=entry.customer,
        email=entry.email,
        card=entry.card,
        unit=entry.unit,
        exponents=entry.exponents,
        bounds=bounds,
        hash_card=partial(salts.hash, "card"),
    )


def unknown_currencies(entry: PaymentEntry) -> Iterator[str]:
    """Those of the bounds that no payment can be in."""
    return (currency for currency in entry.bounds if exponent(currency, entry.exponents) is None)
