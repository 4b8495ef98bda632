"""Who a header or a token says the caller is.  Pure: no clock, no network, no keys."""

from __future__ import annotations

from collections.abc import Iterable

from gateway import Rejected

LONGEST = 256
"""Characters of an identity: it becomes part of keys, and is written to logs."""


class Unauthenticated(Rejected):
    status = 401
    code = "unauthenticated"


class InvalidToken(Unauthenticated):
    """``reason`` is for the log; the client is told no more than ``detail``."""

    code = "invalid_token"

    def __init__(self, reason: str, detail: str = "The token is not valid here") -> None:
        super().__init__(detail, headers={"www-authenticate": 'Bearer error="invalid_token"'})
        self.reason = reason


class AmbiguousPrincipal(Rejected):
    status = 400
    code = "ambiguous_principal"


def only(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """The one value of a header, None where it is absent.

    Twice is refused: the backend might believe the other one.  So is a spelling with ``_``, which CGI and WSGI fold
    into ``-``.
    """
    found = [
        (spelled, value)
        for spelled, value in headers
        if len(spelled) == len(name) and spelled.lower().replace(b"_", b"-") == name
    ]
    if not found:
        return None
    if len(found) > 1 or found[0][0].lower() != name:
        raise AmbiguousPrincipal(f"Send {name.decode()} once, spelled so")
    return found[0][1].decode("latin-1").strip()


def bearer(authorization: str | None) -> str | None:
    """The token of an ``Authorization`` header; None where there is none, or one of another scheme."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def acceptable(identity: object) -> bool:
    """Whether it can name a caller: a string, not empty, not endless, nothing in it that cannot be seen."""
    return isinstance(identity, str) and 0 < len(identity) <= LONGEST and identity.isprintable()
