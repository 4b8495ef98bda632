"""The payment's facts, read by the core from the body as received."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.cards import holds
from gateway.currency import Exponents, Unit, exponent, minor_units, step
from gateway.errors import DuplicateKey, InvalidJson, Rejected
from gateway.exchange import Exchange, Reads
from gateway.facts import Card, Payment
from gateway.json_keys import has_duplicate_key
from gateway.pointer import MISSING, follow, parse

_CARD = re.compile(r"[0-9]{12,19}")
_UNBOUNDED = (0, 2**63 - 1)


class InvalidPayment(Rejected):
    """``pointer`` in the problem names the field."""

    status = 422
    code = "invalid_payment"


class PaymentReader:
    """Puts a Payment, or refuses a body that has none.

    ``amount`` and ``currency`` are required where their pointers are given; the rest may be missing.  With unit
    ``major`` an amount is a decimal number, or a string of one, in the currency's main unit; with ``minor`` an
    integer.  ``bounds`` are the least and the most minor units per currency, inclusive; in a currency that has none, an
    amount that may be a card's number is none.  ``hash_card`` makes the keyed
    hash of a number of digits only.
    """

    name = "payment"
    reads = Reads.REQUEST

    def __init__(
        self,
        operation: str,
        *,
        amount: str | None = None,
        currency: str | None = None,
        customer: str | None = None,
        email: str | None = None,
        card: str | None = None,
        unit: Unit = "minor",
        exponents: Exponents = "iso4217",
        bounds: Mapping[str, tuple[int, int]] | None = None,
        hash_card: Callable[[str], str] | None = None,
    ) -> None:
        self._operation = operation
        self._pointers = {
            kind: (pointer, parse(pointer))
            for kind, pointer in (
                ("amount", amount),
                ("currency", currency),
                ("customer", customer),
                ("email", email),
                ("card", card),
            )
            if pointer is not None
        }
        self._unit = unit
        self._exponents: Exponents = exponents
        self._stepped = exponents == "stripe"  # ISO 4217 knows of no steps
        self._bounds = dict(bounds or {})
        self._hash_card = hash_card

    async def on_request(self, exchange: Exchange) -> None:
        document = self._document(exchange) if self._pointers else None
        currency = self._currency(document)
        exchange.put(
            Payment(
                operation=self._operation,
                amount=self._amount(document, currency),
                currency=currency,
                customer=self._text(document, "customer"),
                email=self._text(document, "email"),
                card=self._card(document),
                ip=exchange.received.client,
            )
        )

    def _document(self, exchange: Exchange) -> Any:
        """The body as received: parsed once with the request's own where no filter has changed it."""
        received = exchange.received.body
        if received.data is None:
            raise RuntimeError("The body was not buffered")
        if exchange.request.body is received:
            document = exchange.request.json()
        else:
            try:
                document = orjson.loads(received.data)
            except orjson.JSONDecodeError as error:
                raise InvalidJson(f"The body is not JSON: {error}") from None
        if has_duplicate_key(received.data, document):
            raise DuplicateKey("An object of the body has the same key twice, so it has no one meaning")
        return document

    def _currency(self, document: Any) -> str | None:
        if "currency" not in self._pointers:
            return None
        pointer, tokens = self._pointers["currency"]
        value = follow(document, tokens)
        if value is MISSING:
            raise InvalidPayment("The currency is missing", pointer=pointer)
        if not isinstance(value, str) or not value.isascii() or exponent(value.lower(), self._exponents) is None:
            raise InvalidPayment("The currency is not a code of ISO 4217", pointer=pointer)
        return value.lower()

    def _amount(self, document: Any, currency: str | None) -> int | None:
        if "amount" not in self._pointers:
            return None
        pointer, tokens = self._pointers["amount"]
        value = follow(document, tokens)
        if value is MISSING:
            raise InvalidPayment("The amount is missing", pointer=pointer)
        minor = self._minor(value, currency, pointer)
        if minor < 0:
            raise InvalidPayment("The amount is negative", pointer=pointer)
        if currency not in self._bounds and holds(str(value)):
            raise InvalidPayment("The amount has the digits of a card's number", pointer=pointer)
        least, most = self._bounds.get(currency or "", _UNBOUNDED)
        if not least <= minor <= most:
            raise InvalidPayment("The amount is outside the bounds of its currency", pointer=pointer)
        if self._stepped and currency is not None and minor % step(currency, self._exponents):
            raise InvalidPayment(f"An amount in {currency} ends in zeros", pointer=pointer)
        return minor

    def _minor(self, value: Any, currency: str | None, pointer: str) -> int:
        try:
            return minor_units(value, currency, self._unit, self._exponents)
        except ValueError as error:
            raise InvalidPayment(str(error), pointer=pointer) from None

    def _text(self, document: Any, kind: str) -> str | None:
        if (where := self._pointers.get(kind)) is None:
            return None
        pointer, tokens = where
        value = follow(document, tokens)
        if value is MISSING or value is None:
            return None
        if not isinstance(value, str):
            raise InvalidPayment(f"The {kind} is not a string", pointer=pointer)
        return value

    def _card(self, document: Any) -> Card | None:
        """The card without its number; None where the field holds no number, such as a token."""
        value = self._text(document, "card")
        if value is None or self._hash_card is None:
            return None
        digits = value.replace(" ", "").replace("-", "")
        if not _CARD.fullmatch(digits):
            return None
        return Card(self._hash_card(digits), digits[:6], digits[-4:])
