"""Claims: the name under which the right to execute one request is recorded."""

from __future__ import annotations

import hashlib

_DOMAIN = b"payguard/claim/1"
_REFERENCE = b"payguard/reference/1"
_METHOD = b"payguard/method/1"
_ATTEMPT = b"payguard/attempt/1"


def claim_of(owner: str, route: str, key: str) -> bytes:
    """32 bytes that stand for a client's own idempotency key: the same for the same three, and for no others.

    SHA-256 over each of them with its length before it, so that none can borrow from its neighbour.  The upstream
    sees it in hexadecimal in the key's place: a key that two owners chose alike never meets another's payment there.
    """
    return _digest(_DOMAIN, owner, route, key)


def reference_of(tenant: str, owner: str, operation: str, reference: str) -> bytes:
    """What stands for a business reference, such as an invoice: of one tenant, owner and kind of payment."""
    return _digest(_REFERENCE, tenant, owner, operation, reference)


def method_of(tenant: str, method: str) -> bytes:
    """What stands for a stored payment method, by the processor's own name for it, whoever pays with it.

    Not keyed, so that it stays the same when a salt changes: for names, and never for a card's number.
    """
    return _digest(_METHOD, tenant, method)


def attempt_of(payment: str, number: int) -> bytes:
    """The claim of the gateway's own attempt of this number after a declined payment: it can be made once."""
    return _digest(_ATTEMPT, payment, str(number))


def _digest(domain: bytes, *words: str) -> bytes:
    digest = hashlib.sha256(domain)
    for word in words:
        encoded = word.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return digest.digest()
