"""Reading: from a request to the event that is scored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any, NamedTuple, TypeAlias

from gateway import Exchange, Payment, find

from .digests import Digests
from .emails import judge, mailbox
from .event import Event, MailSigns
from .options import FactsConfig

Read: TypeAlias = Callable[[Exchange, Any], Any]

LONGEST = 256
"""Characters of a value that are looked at."""


class Named(NamedTuple):
    """Values as they were given, for lists under older salts; never kept."""

    customer: str | None
    card: str | None
    email: str | None
    device: str | None
    ip: str | None
    merchant: str | None
    bin: str | None
    country: str | None


class Reader:
    """Makes the event of an exchange, which has a Payment.  A fact that is not given, or not readable, is None."""

    def __init__(self, config: FactsConfig, digests: Digests) -> None:
        self._digests = digests
        self._device, self._merchant = _source(config.device), _source(config.merchant)
        self._country, self._card_country = _source(config.country), _source(config.card_country)
        self._created = _source(config.account_created)
        sources = (config.device, config.merchant, config.country, config.card_country, config.account_created)
        self.reads_body = any(each is not None and each.startswith("/") for each in sources)
        self._mail = lru_cache(maxsize=4096)(_mail)

    def __call__(self, exchange: Exchange, id: str, at: float) -> tuple[Event, Named]:  # noqa: A002
        payment = exchange.require(Payment)
        document = exchange.request.json() if self.reads_body else None
        card = payment.card
        box, signs = (None, None) if payment.email is None else self._mail(payment.email[:LONGEST])
        named = Named(
            payment.customer,
            None if card is None else card.hash,
            box,
            _text(self._device, exchange, document),
            network_of(payment.ip or exchange.received.client),
            _text(self._merchant, exchange, document),
            None if card is None else card.bin,
            _country(self._country, exchange, document),
        )
        of = self._digests.of
        event = Event(
            id,
            at,
            payment.operation,
            payment.amount,
            payment.currency,
            None if named.customer is None else of("customer", named.customer),
            None if named.card is None else of("card", named.card),
            None if box is None else of("email", box),
            None if named.device is None else of("device", named.device),
            None if named.ip is None else of("ip", named.ip),
            None if named.merchant is None else of("merchant", named.merchant),
            named.bin,
            _moment(self._created, exchange, document),
            named.country,
            _country(self._card_country, exchange, document),
            signs,
        )
        return event, named


def _source(source: str | None) -> Read | None:
    if source is None:
        return None
    if source.startswith("/"):
        return lambda _, document: find(document, source)
    name = source.removeprefix("header:").lower().encode()
    return lambda exchange, _: _header(exchange, name)


def _header(exchange: Exchange, name: bytes) -> str | None:
    found = [value for each, value in exchange.received.headers if each == name]
    return found[-1].decode("latin-1").strip() if found else None


def _text(read: Read | None, exchange: Exchange, document: Any) -> str | None:
    if read is None:
        return None
    value = read(exchange, document)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value[:LONGEST] if isinstance(value, str) and value else None


def _country(read: Read | None, exchange: Exchange, document: Any) -> str | None:
    value = _text(read, exchange, document)
    return value.lower() if value is not None and len(value) == 2 and value.isalpha() else None


def _moment(read: Read | None, exchange: Exchange, document: Any) -> float | None:
    value = None if read is None else read(exchange, document)
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        return None if value is None or isinstance(value, bool) else float(value)
    except (ValueError, TypeError, OverflowError):
        return None


def _mail(address: str) -> tuple[str, MailSigns]:
    return mailbox(address), judge(address)


@lru_cache(maxsize=4096)
def network_of(client: str) -> str:
    """An IPv4 address as it is; of an IPv6 address its /64, of which a customer has all; else what it is."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if not isinstance(address, IPv6Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped is not None else f"{IPv6Address(int(address) >> 64 << 64)}/64"
