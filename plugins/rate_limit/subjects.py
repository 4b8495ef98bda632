"""Subjects: by what requests are counted, and how each is told from a request.  Pure but for the hash."""

from __future__ import annotations

from collections.abc import Callable, Collection
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from gateway import Exchange, Payment, Principal, Scope

GLOBAL = "global"

Subject: TypeAlias = Callable[[Exchange], str | None]
"""The value of a request; None where it has none, and nothing is then counted by it."""

Hash: TypeAlias = Callable[[str], str]

PURPOSE = "rate_limit"
"""Of the keyed hash, which is all that a store has of a value."""

CARD_PURPOSE = "card"
"""Of the hash that the core makes of a card's number."""

DIGITS = 32
"""Of a hash: 128 bits tell all values apart, and keys stay short."""

PREFIX_OF_HOSTS = 64
"""Of IPv6: a customer has that many addresses, so that one of them says nothing."""


def subject_of(per: str) -> Subject:
    kind, _, name = per.partition(":")
    if kind == "header":
        return _header(name)
    if kind == "fact":
        return _fact(*name.split("."))
    return _KNOWN[per]


def needs(per: str | None) -> tuple[type, ...]:
    """Facts of the core without which there is no such subject."""
    if per == "user":
        return (Principal,)
    return (Payment,) if per in ("card", "email", "customer") else ()


def _user(exchange: Exchange) -> str | None:
    principal = exchange.get(Principal)
    return None if principal is None else principal.id


def _ip(exchange: Exchange) -> str:
    return network_of(exchange.received.client)


def _card(exchange: Exchange) -> str | None:
    payment = exchange.get(Payment)
    return None if payment is None or payment.card is None else payment.card.hash


def _email(exchange: Exchange) -> str | None:
    payment = exchange.get(Payment)
    return None if payment is None or payment.email is None else payment.email.strip().lower()


def _customer(exchange: Exchange) -> str | None:
    payment = exchange.get(Payment)
    return None if payment is None else payment.customer


_KNOWN: dict[str, Subject] = {"user": _user, "ip": _ip, "card": _card, "email": _email, "customer": _customer}


def _header(name: str) -> Subject:
    wanted = name.lower().encode()

    def value(exchange: Exchange) -> str | None:
        """Of those that are sent twice, all: another order is another value, and none is left out."""
        found = [value for spelled, value in exchange.received.headers if spelled.lower() == wanted]
        return b", ".join(found).decode("latin-1") if found else None

    return value


def _fact(kind: str, attribute: str) -> Subject:
    def value(exchange: Exchange) -> str | None:
        fact = next((each for each in exchange.facts if type(each).__name__ == kind), None)
        found = getattr(fact, attribute, None)
        return None if found is None else str(found)

    return value


def network_of(client: str) -> str:
    """An IPv4 address as it is; of an IPv6 address the network of its /64; what is no address, as it is."""
    if ":" not in client:
        return client
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    assert isinstance(address, IPv6Address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address) >> PREFIX_OF_HOSTS << PREFIX_OF_HOSTS, PREFIX_OF_HOSTS)))


def allowed(per: str, values: Collection[str]) -> Callable[[str], bool]:
    """Whether a value is on an allow list; of addresses, by their networks."""
    if per != "ip":
        return frozenset(values).__contains__
    networks = [ip_network(each) for each in values]

    def within(value: str) -> bool:
        try:
            own = ip_network(value)
        except ValueError:
            return False
        return any(_holds(network, own) for network in networks)

    return within


def _holds(network: IPv4Network | IPv6Network, own: IPv4Network | IPv6Network) -> bool:
    """An address allowed in IPv6 allows its /64: more of it is not known."""
    return network.version == own.version and network.overlaps(own)


def digests(scope: Scope, per: str, value: str) -> list[str]:
    """``kind:hash`` with the salt of now, then with each that is still known."""
    return [f"{per}:{_short(each)}" for each in scope.hashes(PURPOSE, f"{per}\0{value}")]


def _short(hashed: str) -> str:
    salt, _, digits = hashed.partition(":")
    return f"{salt}:{digits[:DIGITS]}"


def block_key(digest: str) -> str:
    """Of the block of a subject.  What stands in braces lies together in a Redis Cluster."""
    return f"block:{{{digest}}}"
