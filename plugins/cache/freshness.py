"""Freshness: whether an answer may be kept, for whom, and how long it is fresh (RFC 9111 §3, §4.2; RFC 5861)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .dates import parse
from .directives import LONGEST, Directives, delta, directives, targeted
from .fields import Fields
from .options import CacheConfig

UNTOLD = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
"""Statuses that may be kept without being told to (RFC 9110 §15.1)."""

UNDERSTOOD = UNTOLD | {302, 303, 307, 400, 401, 403, 406, 409, 415, 422, 429, 500, 502, 503, 504}
"""Statuses whose meaning for a cache is known here, as ``must-understand`` asks (RFC 9111 §5.2.2.3)."""

_NEVER = {206: "partial", 304: "not-modified"}
_PERMITS = frozenset({"public", "must-revalidate", "s-maxage"})
"""What lets an answer to a request with ``Authorization`` be kept (RFC 9111 §3.5)."""

_NEVER_STALE = frozenset({"must-revalidate", "proxy-revalidate", "s-maxage"})

HEURISTIC_SHARE, HEURISTIC_MOST = 0.1, 86400.0
"""RFC 9111 §4.2.2 names a tenth."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long an answer may be used, and when it must be asked after.  Seconds."""

    lifetime: float
    validate: bool
    strict: bool
    stale_while_revalidate: float
    stale_if_error: float


ASK_AGAIN = Terms(0.0, validate=True, strict=True, stale_while_revalidate=0.0, stale_if_error=0.0)
"""Of an answer that is given once, and not kept."""


def terms_of(
    status: int, fields: Fields, config: CacheConfig, received: float, *, authorized: bool, asked: Directives
) -> Terms | str:
    """What an answer allows; a word of why it may not be kept, for ``Cache-Status`` and the log.

    ``authorized`` says whether the request had ``Authorization``, ``asked`` what its own directives were.
    """
    said, is_targeted = _said(fields, config)
    if reason := _refusal(status, fields, said, config, authorized=authorized, asked=asked):
        return reason
    lifetime = explicit_lifetime(fields, said, received, shared=not config.keep_private, expires=not is_targeted)
    if lifetime is None:
        lifetime = _by_policy(status, fields, config, received)
    if lifetime is None and not (status in UNTOLD or "public" in said):
        return "no-freshness"
    terms = _terms(said, config, min(lifetime or 0.0, config.longest), validate="no-cache" in said)
    return terms if _is_of_use(terms, fields, is_told=lifetime is not None) else "no-freshness"


def _is_of_use(terms: Terms, fields: Fields, *, is_told: bool) -> bool:
    """Whether it can ever answer anybody: fresh, stale where that is allowed, or once it was asked after."""
    if b"etag" in fields or b"last-modified" in fields:
        return True
    stale = max(terms.stale_while_revalidate, terms.stale_if_error)
    return is_told and not terms.validate and max(terms.lifetime, stale) > 0


def _terms(said: Directives, config: CacheConfig, lifetime: float, *, validate: bool) -> Terms:
    strict = validate or not _NEVER_STALE.isdisjoint(said)
    while_revalidate, if_error = delta(said, "stale-while-revalidate"), delta(said, "stale-if-error")
    return Terms(
        lifetime,
        validate,
        strict,
        0.0 if strict else float(config.stale_while_revalidate if while_revalidate is None else while_revalidate),
        0.0 if strict else float(config.stale_if_error if if_error is None else if_error),
    )


def _said(fields: Fields, config: CacheConfig) -> tuple[Directives, bool]:
    """The directives that hold here, and whether they are a targeted field's."""
    for name in config.targeted:
        if (aimed := targeted(fields.get(name.lower().encode(), ()))) is not None:
            return aimed, True
    return directives(fields.get(b"cache-control", ())), False


def _refusal(
    status: int, fields: Fields, said: Directives, config: CacheConfig, *, authorized: bool, asked: Directives
) -> str:
    """The first reason why it may not be kept; empty where there is none."""
    if status in _NEVER:
        return _NEVER[status]
    if said and (reason := _forbidden(status, said, config)):
        return reason
    if "no-store" in asked:
        return "request-no-store"
    if b"set-cookie" in fields:
        return "set-cookie"
    if b"vary" in fields and any(b"*" in value for value in fields[b"vary"]):
        return "vary"
    return "authorization" if authorized and not config.keep_private and _PERMITS.isdisjoint(said) else ""


def _forbidden(status: int, said: Directives, config: CacheConfig) -> str:
    """By its own directives."""
    understands = "must-understand" in said and status in UNDERSTOOD
    if "no-store" in said and not understands:
        return "no-store"
    if "must-understand" in said and not understands:
        return "must-understand"
    return "private" if "private" in said and not config.keep_private else ""


def explicit_lifetime(
    fields: Fields, said: Directives, received: float, *, shared: bool = True, expires: bool = True
) -> float | None:
    """How long it says that it is fresh (RFC 9111 §4.2.1); None where it does not say."""
    for name in ("s-maxage", "max-age") if shared else ("max-age",):
        seconds = delta(said, name)
        if seconds is not None:
            return float(seconds)
    if expires and (values := fields.get(b"expires")):
        until = parse(values[0]) if len(values) == 1 else None
        return 0.0 if until is None else max(0.0, until - date_of(fields, received))
    return None


def date_of(fields: Fields, received: float) -> float:
    """When it was made, by its own word; else when it was received."""
    values = fields.get(b"date", ())
    said = parse(values[0]) if values else None
    return received if said is None else said


def born(fields: Fields, requested: float, received: float) -> float:
    """When its age was 0 (RFC 9111 §4.2.3): the older of what its Date and what its Age say."""
    apparent = max(0.0, received - date_of(fields, received))
    return received - max(apparent, _age(fields.get(b"age", ())) + received - requested)


def _age(values: Sequence[bytes]) -> float:
    """What says anything but one number counts as very old: who said it may have meant that."""
    if not values:
        return 0.0
    return float(min(int(values[0][:11]), LONGEST)) if len(values) == 1 and values[0].isdigit() else float(LONGEST)


def _by_policy(status: int, fields: Fields, config: CacheConfig, received: float) -> float | None:
    if status in config.negative:
        return config.negative[status]
    if status not in UNTOLD:
        return None
    if config.heuristic and (values := fields.get(b"last-modified")) and (modified := parse(values[0])) is not None:
        since = max(0.0, date_of(fields, received) - modified)
        return min(since * HEURISTIC_SHARE, HEURISTIC_MOST)
    return config.ttl if status < 400 else None
