"""Addresses inside of the network, and line breaks that end a header."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from .rules import RULES, Hit, Kind

_URL = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?[/\\]{2}([^/\\?#\s]*)")
_BARE = re.compile(r"^\s*((?:\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?)(?:[/?#]|\s*$)")
_NAMES = re.compile(
    r"(?:^|\.)(?:localhost|localdomain|localtest\.me|lvh\.me|internal|metadata|metadata\.goog|instance-data|local|kubernetes\.default(?:\.svc)?|svc\.cluster\.local|host\.docker\.internal|burpcollaborator\.net|nip\.io|sslip\.io|xip\.io|lan|intranet|home\.arpa)\.?$"
)
_PART = re.compile(r"0x[0-9a-f]*|\d+")
_HEADER = re.compile(
    r"[\r\n\u560a\u560d]\s{0,6}(?:(?:set-cookie2?|location|content-(?:type|length|disposition|encoding)|refresh|host|transfer-encoding|access-control-[\w-]+|x-[\w-]+|cache-control|status|link|server|connection|referer|user-agent|cookie|bcc|cc|to|from|subject|reply-to|mime-version)\s*:|http/\d|(?:get|post|put|head|delete|options)\s+\S+\s+http/)"
)
_ANY_HEADER = re.compile(r"[\r\n]\s{0,6}[a-z][\w-]{0,64}\s{0,4}:")
TRIGGER_ADDRESS = (
    r"[/\\][/\\][^/\\?#\s]*[\[@]|[/\\][/\\](?:[0-9]|[^/\\?#\s]*(?:0x[0-9a-f]|local|internal|metadata|instance-data|lvh|nip\.io|sslip|xip\.io|lan\b|kubernetes|intranet|home\.arpa|burp))"
    r"|\x1e\s*(?:localhost|\[|[0-9]+\.[0-9x]|0x|[0-9]{7,10}[:/\x1e]|metadata|[\w.-]+\.(?:internal|local))"
)
TRIGGER_BREAK = (
    r"[\r\n\x{560a}\x{560d}]\s*[a-z][\w-]*\s*:|[\r\n\x{560a}\x{560d}]\s*http/"
    r"|[\r\n]\s*(?:get|post|put|head|delete|options)\s+\S+\s+http"
)


def judge_address(text: str, kind: Kind) -> Iterator[Hit]:
    """Whether a URL leads to this machine, its network, or what tells its secrets."""
    lower = text.strip().lower()
    if kind is Kind.URL:
        match = _URL.match(lower) or _BARE.match(lower)
    else:  # a browser tells in a header where it comes from, and a sentence may begin with an address
        match = _URL.match(lower) if kind is Kind.VALUE and len(lower.split()) == 1 else None
    if match and _internal(_host(match[1])):
        yield Hit(RULES["ssrf.internal_address"], match[0])


def judge_break(text: str, kind: Kind) -> Iterator[Hit]:
    """Whether a text ends the header that it is put into, and begins another one."""
    lower = text.lower()
    match = _HEADER.search(lower)
    if match is None and kind is Kind.HEADER:
        match = _ANY_HEADER.search(lower)
    if match:
        yield Hit(RULES["crlf.header"], lower[match.start() : match.end() + 40].strip())


def _host(authority: str) -> str:
    authority = authority.rpartition("@")[2]
    try:
        return urlsplit("//" + authority).hostname or ""
    except ValueError:
        return authority


def _internal(host: str) -> bool:
    if _NAMES.search(host):
        return True
    address = _address(host)
    return (address is not None and not address.is_global) or "169.254.169.254" in host


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """What a resolver makes of a host that is a number, in any of the forms that inet_aton takes."""
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return _short(host.rstrip("."))
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        packed = int(found)
        if inner is None and (packed >> 32 in (0, 0x64FF9B << 64) and packed > 1):
            inner = IPv4Address(packed & 0xFFFFFFFF)
        return inner or found
    return found


def _short(host: str) -> IPv4Address | None:
    parts = host.split(".")
    if len(parts) > 4 or not all(_PART.fullmatch(part) for part in parts):
        return None
    numbers = [int(part[2:] or "0", 16) if part[:2] == "0x" else int(part, 8 if _octal(part) else 10) for part in parts]
    last = numbers.pop()
    value = sum(min(number, 255) << 8 * (3 - place) for place, number in enumerate(numbers)) + last
    return IPv4Address(value & 0xFFFFFFFF)


def _octal(part: str) -> bool:
    return len(part) > 1 and part[0] == "0" and part.isdigit() and not set(part) & {"8", "9"}
