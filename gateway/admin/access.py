"""Who may do what on the admin port."""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address
from typing import Literal
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from gateway.admin.answers import Problem
from gateway.admin.visits import Visits
from gateway.exchange import SAFE_METHODS

log = structlog.get_logger("payguard.admin")

OPEN = frozenset({"/livez", "/readyz", "/startupz", "/metrics"})
"""What anyone who reaches the port may ask."""

_FORWARDING = ("forwarded", "x-forwarded-for", "x-real-ip")
_HOW = "Set PAYGUARD_ADMIN_TOKEN_READ or PAYGUARD_ADMIN_TOKEN_OPERATE and send it as a bearer token."


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """The secrets that give a scope; None gives it to nobody.  ``operate`` may also read."""

    read: str | None = None
    operate: str | None = None

    def scope_of(self, given: str) -> Literal["read", "operate"] | None:
        """Compares with both whatever it finds, so that the time it takes tells nothing."""
        operates = _same(given, self.operate)
        reads = _same(given, self.read)
        return "operate" if operates else "read" if reads else None


class Access:
    """Lets through probes and metrics; from this machine everything; from others what their token allows.

    This machine's own trust is not lent to others: not to whom a proxy forwards for, and not to a web page in a
    browser that runs here, be it by its origin or by a name that it has pointed at this address (DNS rebinding).

    ``scope["payguard.via"]`` then says what let somebody through: ``loopback``, ``token read``, ``token operate``.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens, visits: Visits) -> None:
        self._app = app
        self._tokens = tokens
        self._visits = visits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, self._visits.watched(scope, send) if "payguard.via" in scope else send)
            return
        self._visits.refused(scope, refusal.status_code)
        log.info(
            "refused", peer=scope["client"], method=scope["method"], path=scope["path"], status=refusal.status_code
        )
        await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> Problem | None:
        if scope["path"] in OPEN:
            return None
        headers = Headers(scope=scope)
        asks = "read" if scope["method"] in SAFE_METHODS else "operate"
        if asks == "operate" and not _same_origin(headers):
            return Problem(403, "cross_origin", "A page of another origin may not do this.")
        if _is_local(scope, headers):
            if _is_name_of_this_machine(headers.get("host", "")):
                scope["payguard.via"] = "loopback"
                return None
            return Problem(403, "unknown_host", "Over loopback this port is called localhost or by its address.")
        return self._refusal_of_stranger(scope, headers, asks)

    def _refusal_of_stranger(self, scope: Scope, headers: Headers, asks: str) -> Problem | None:
        if self._tokens == Tokens():
            return Problem(403, "no_token_configured", f"Other machines may read probes and metrics only. {_HOW}")
        kind, _, given = headers.get("authorization", "").partition(" ")
        granted = self._tokens.scope_of(given.strip()) if kind.lower() == "bearer" else None
        if granted is None:
            return Problem(401, "token_required", "A bearer token is needed.", {"www-authenticate": "Bearer"})
        if asks == "operate" and granted != "operate":
            challenge = {"www-authenticate": 'Bearer error="insufficient_scope", scope="operate"'}
            return Problem(403, "insufficient_scope", "This token may read; to operate takes another.", challenge)
        scope["payguard.via"] = f"token {granted}"
        return None


def _same(given: str, expected: str | None) -> bool:
    matches = compare_digest(given.encode(), (expected or "").encode())
    return matches and bool(expected)


def _is_local(scope: Scope, headers: Headers) -> bool:
    """Whether the peer is a program on this machine that asks for itself."""
    if scope["client"] is None or any(name in headers for name in _FORWARDING):
        return False
    try:
        address = ip_address(scope["client"][0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def _is_name_of_this_machine(host: str) -> bool:
    """Not a name of the DNS, which its owner may point anywhere."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _same_origin(headers: Headers) -> bool:
    """A program says no origin; a browser says its page's with everything that is not safe."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
