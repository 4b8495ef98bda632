"""What a key is, what makes two requests the same, and what a repeat gets.  Pure: no clock, no ledger, no salts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from enum import Enum
from itertools import product

from gateway import Received, Record, State

from .problems import InvalidKey

LONGEST = 255
"""Characters of a key, as at Stripe (https://docs.stripe.com/api/idempotent_requests)."""

OURS = frozenset({"gateway", "drainer"})
"""Who wrote an outcome from an answer of the upstream; who else did, had evidence and no answer."""

_VISIBLE = re.compile(r"[!-~]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_ESCAPED = re.compile(r'\\(["\\])')


def spellings(header: str) -> frozenset[bytes]:
    """Every name that CGI and WSGI fold into this one: the backend might read another field than the gateway."""
    first, *rest = header.split("-")
    return frozenset(
        "".join((first, *(mark + word for mark, word in zip(marks, rest, strict=True)))).encode()
        for marks in product("-_", repeat=len(rest))
    )


def key_of(values: Iterable[tuple[bytes, bytes]], header: str) -> str:
    """The key in the one field that holds it, as a bare word or as a string of RFC 9651 §3.3.3.

    The IETF's draft asks for the string, and every client of today sends the bare word: ``"a"`` and ``a`` are one key,
    so that a client which learns to quote does not pay twice.
    """
    found = list(values)
    name, value = found[0]
    if len(found) > 1 or name != header.encode():
        raise InvalidKey(f"Send {header} once, spelled so")
    key = value.decode("latin-1").strip(" \t")
    if key.startswith('"'):
        quoted = _QUOTED.fullmatch(key)
        if quoted is None:
            raise InvalidKey(f"{header} begins with a quotation mark and is no string of RFC 9651")
        key = _ESCAPED.sub(r"\1", quoted[1])
    if len(key) > LONGEST or not _VISIBLE.fullmatch(key):
        raise InvalidKey(f"{header} is 1 to {LONGEST} visible characters of ASCII, without spaces")
    return key


def signed(received: Received, content_types: Collection[bytes]) -> bytes:
    """What makes two requests the same: each with its length before it, so that none can borrow from its neighbour."""
    method, said, body = received.method.encode(), b", ".join(content_types), received.body.data or b""
    target = received.target
    return b"%d:%b%d:%b%d:%b%b" % (len(method), method, len(target), target, len(said), said, body)


class Repeat(Enum):
    """What a request meets whose claim is taken."""

    ANOTHER_REQUEST = "another_request"
    SALT_MISSING = "salt_missing"
    FREE = "free"
    """Certainly not executed: whoever is first may."""
    IN_FLIGHT = "in_flight"
    ACCEPTED = "accepted"
    IN_DOUBT = "in_doubt"
    ANSWERED = "answered"
    """Its outcome was read from the first answer, which is the one to give again."""
    SETTLED = "settled"
    """Somebody else knew its outcome; there is no answer that says it."""


_MET = {
    State.ACCEPTED: Repeat.ACCEPTED,
    State.HELD: Repeat.ACCEPTED,
    State.RESERVED: Repeat.IN_FLIGHT,
    State.SENT: Repeat.IN_FLIGHT,
    State.PENDING: Repeat.ANSWERED,
    State.SUCCEEDED: Repeat.ANSWERED,
    State.FAILED: Repeat.ANSWERED,
    State.IN_DOUBT: Repeat.IN_DOUBT,
    State.UNRESOLVED: Repeat.IN_DOUBT,
    State.RELEASED: Repeat.FREE,
}


def judge(record: Record, fingerprints: Collection[str], now: float) -> Repeat:
    """``fingerprints`` are the request's under every live salt; ``now`` is in seconds since the epoch."""
    if (trouble := stranger(record, fingerprints)) is not None:
        return trouble
    met = _MET[record.state]
    if record.state is State.RESERVED:
        if record.accepted_until is not None:
            return Repeat.ACCEPTED
        return Repeat.FREE if record.lease_until is not None and record.lease_until <= now else met
    if met is Repeat.ANSWERED and record.history and record.history[-1].by not in OURS:
        return Repeat.SETTLED
    return met


def stranger(record: Record, fingerprints: Collection[str]) -> Repeat | None:
    """Whether the claim is another request's, or nobody can tell whose."""
    if record.fingerprint in fingerprints:
        return None
    live = {salt_of(each) for each in fingerprints}
    return Repeat.ANOTHER_REQUEST if salt_of(record.fingerprint) in live else Repeat.SALT_MISSING


def salt_of(fingerprint: str | None) -> str:
    return (fingerprint or "").rpartition(":")[0]


def generated_keys(fingerprints: Iterable[str], now: float, within: float) -> tuple[str, tuple[str, ...]]:
    """The key of a request that has none, and those of the same request shortly before or after.

    Time is cut into windows of ``within`` seconds; a request is looked for in its own and in both neighbours, for the
    clocks of two gateways differ.  The spaces tell it from every key of a client.
    """
    window = int(now // within)
    first, *others = _in_windows(fingerprints, window)
    return first, tuple(others)


def _in_windows(fingerprints: Iterable[str], window: int) -> Iterator[str]:
    for each in fingerprints:
        for number in (window, window - 1, window + 1):
            yield f"generated {number} {each}"


def is_near(record: Record, now: float, within: float) -> bool:
    """Whether it came, or was sent, less than ``within`` seconds ago, and may have been executed."""
    if record.state is State.RELEASED:
        return False
    return abs(now - max(record.created_at, record.sent_at or 0.0)) < within
