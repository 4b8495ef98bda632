"""Header fields on their way through: what stays on its hop, and what says where a request came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from gateway.fields import BEGINNINGS, FRAMING, HOP_BY_HOP, Names, Pieces, RawHeader, breaks, pieces_of, without

Network: TypeAlias = IPv4Network | IPv6Network

_WRITTEN_ANEW = frozenset(
    {
        b"content-length",
        b"expect",
        b"forwarded",
        b"http2-settings",
        b"payguard-risk",  # what the backend believes of a filter's, no client may say, whatever filters a route has
        b"traceparent",
        b"x-real-ip",
        b"x-request-id",
    }
)
_NOT_REQUESTED = HOP_BY_HOP | _WRITTEN_ANEW
_NOT_ANSWERED = HOP_BY_HOP | {b"content-length", b"x-request-id"}
_PLAIN = frozenset({b"keep-alive", b"close"})
_JUDGED = FRAMING | {b"connection", b"expect", b"host", b"traceparent", b"upgrade", b"x-request-id"}


def _stays(name: bytes) -> bool:
    """Also what is only to a backend behind CGI or WSGI a field that the gateway writes: it reads ``_`` as ``-``."""
    read = name.replace(b"_", b"-")
    return name in _NOT_REQUESTED or read in _WRITTEN_ANEW or read.startswith(b"x-forwarded-")


REQUESTED = Names(_stays, _JUDGED)
"""Of a request's fields; its length, and where it comes from, are written anew."""

ANSWERED = Names(_NOT_ANSWERED.__contains__, FRAMING | {b"connection"})
"""Of an answer's fields; its length and request id are written anew."""

_FOR, _PROTO, _HOST = (BEGINNINGS[name] for name in (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"))
_FORWARDED_FOR = re.compile(r'(?:^|[;,\s])for="?(\[[0-9A-Fa-f:.]+\]|[0-9.]+)', re.IGNORECASE)


def passing(pieces: Pieces, judged: Sequence[RawHeader]) -> Pieces:
    """What of ``pieces`` leaves its hop: those that ``Connection`` names do not."""
    for name, value in judged:
        if name == b"connection" and value not in _PLAIN:
            return without(pieces, nominated(judged))
    return pieces


def nominated(headers: Sequence[RawHeader]) -> frozenset[bytes]:
    """The fields that ``Connection`` names (RFC 9110 §7.6.1), but for Host, without which there is no request."""
    named = [value.lower() for name, value in headers if name == b"connection" and value.lower() not in _PLAIN]
    return frozenset(map(bytes.strip, b",".join(named).split(b","))) - {b"host"} if named else frozenset()


def head(start: bytes, fields: Sequence[RawHeader]) -> bytes:
    """A start line with its line break, and header fields, as they go on the wire, with the empty line that ends them.

    ValueError where one of them would break its line, or two say how long the body is.
    """
    if breaks(start[:-2]):
        raise ValueError("The target holds a line break or NUL")
    return b"".join([start[:-2], *pieces_of(fields), b"\r\n\r\n"])


def last(headers: Sequence[RawHeader], name: bytes) -> bytes | None:
    """The value of the last field of this name; to look for one costs less than a dict of all."""
    found = None
    for each, value in headers:
        if each == name:
            found = value
    return found


def content_length(headers: Sequence[RawHeader]) -> int | None:
    for name, value in headers:
        if name == b"content-length":
            return int(value)
    return None


def is_trusted(address: str, trusted: Iterable[Network]) -> bool:
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in trusted)


def client_address(peer: str, headers: Sequence[RawHeader], trusted: Sequence[Network]) -> str:
    """The nearest address that no trusted proxy vouches for; ``peer`` must be trusted for any to count.

    Reads ``X-Forwarded-For`` or, where that is missing, ``Forwarded`` (RFC 7239), from the right: what stands left of
    an untrusted address may be its invention.
    """
    nearest = peer
    for hop in reversed(_hops(headers)):
        if (parsed := _parse(hop)) is None:
            break
        nearest = str(parsed)
        if not is_trusted(nearest, trusted):
            break
    return nearest


def forwarding(headers: Sequence[RawHeader], *, peer: str, scheme: str, host: bytes, trusted: bool) -> Pieces:
    """The ``X-Forwarded-…`` fields for the upstream: a trusted proxy's continued, else what this hop itself saw."""
    if not trusted:
        return [*_seen(peer, scheme), _HOST, host]
    address = peer.encode("latin-1")
    said = [field for field in headers if field[0].startswith(b"x-forwarded-") and field[0] != b"x-forwarded-for"]
    names = {name for name, _ in said}
    hops = [hop.encode("latin-1") for hop in _hops(headers)]
    seen = [(b"x-forwarded-proto", scheme.encode()), (b"x-forwarded-host", host)]
    unsaid = [field for field in seen if field[0] not in names]
    return pieces_of([(b"x-forwarded-for", b", ".join([*hops, address])), *said, *unsaid])


@lru_cache(1000)
def _seen(peer: str, scheme: str) -> tuple[bytes, ...]:
    return _FOR, peer.encode("latin-1"), _PROTO, scheme.encode()


def _hops(headers: Sequence[RawHeader]) -> list[str]:
    """The chain of addresses as sent, the client's first."""
    forwarded_for = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
    if forwarded_for:
        return [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    forwarded = b",".join(value for name, value in headers if name == b"forwarded").decode("latin-1")
    return [hop.strip("[]") for hop in _FORWARDED_FOR.findall(forwarded)]


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    if address.startswith("["):
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
