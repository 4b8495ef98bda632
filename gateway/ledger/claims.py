"""Claims: the name under which the right to execute one request is recorded."""

from __future__ import annotations

import hashlib

_DOMAIN = b"payguard/claim/1"


def claim_of(owner: str, route: str, key: str) -> bytes:
    """32 bytes that stand for a client's own idempotency key: the same for the same three, and for no others.

    SHA-256 over each of them with its length before it, so that none can borrow from its neighbour.  The upstream
    sees it in hexadecimal in the key's place: a key that two owners chose alike never meets another's payment there.
    """
    digest = hashlib.sha256(_DOMAIN)
    for word in (owner, route, key):
        encoded = word.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return digest.digest()
