"""The event: one payment as fraud scoring sees it, in serving, in training and in a backtest alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

Keys: TypeAlias = tuple[str | None, ...]
"""The digests of a payment's keys, in the order of ``KINDS``; None where it has none of that kind."""


class MailSigns(NamedTuple):
    """What an address says of itself, each from 0 to 1: see ``emails.judge``."""

    bad_syntax: float = 0.0
    disposable: float = 0.0
    free: float = 0.0
    lookalike: float = 0.0
    digits: float = 0.0
    tagged: float = 0.0


class Event(NamedTuple):
    """One attempt to pay.  Keys are digests, equal for equal values: state never holds what they are made of.

    ``at`` is in seconds since the epoch; ``amount`` in minor units of ``currency``, a lower-case code; countries are
    lower-case codes of two letters.  ``merchant`` is whoever is paid, or the terminal.  What a field that is None
    means says ``MISSING``.
    """

    id: str
    at: float
    operation: str = "payment.create"
    amount: int | None = None
    currency: str | None = None
    customer: str | None = None
    card: str | None = None
    email: str | None = None
    device: str | None = None
    ip: str | None = None
    merchant: str | None = None
    bin: str | None = None
    account_created_at: float | None = None
    country: str | None = None
    card_country: str | None = None
    mail: MailSigns | None = None

    @property
    def keys(self) -> Keys:
        return self.customer, self.card, self.email, self.device, self.ip, self.merchant, self.bin


FIRST_KEY, LAST_KEY = 5, 12

KINDS: tuple[str, ...] = Event._fields[FIRST_KEY:LAST_KEY]
"""What state is kept for: customer, card, email, device, ip, merchant, bin."""

MISSING: Mapping[str, str] = {
    "amount": "the amount counts as 0, its ratio to the usual as 1, and nothing is added to sums or the usual amount",
    "currency": "the amount is read as one of hundredths, kept apart from those that name a currency",
    "customer": "as a customer never seen, but with no new user in it",
    "card": "as a card never seen",
    "email": "as an address never seen, with no signs of its own",
    "device": "as a device never seen",
    "ip": "as an address never seen",
    "merchant": "as a merchant never seen",
    "bin": "as a BIN never seen",
    "account_created_at": "the account is as old as what is known of the customer",
    "country": "no mismatch",
    "card_country": "no mismatch",
    "mail": "no signs: each is 0",
}
"""What scoring takes in place of a value that a payment does not have."""
