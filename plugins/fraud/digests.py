"""Digests: what a key of a payment is called in state, lists and decisions, where its value never stands."""

from __future__ import annotations

from hashlib import blake2b

from gateway import Scope

PURPOSE = "fraud"
CARD_PURPOSE = "card"
"""Of the hash that the core makes of a card's number."""

CLEAR = ("bin", "country")
"""Kinds whose values name nobody; they stand as they are."""

SIZE = 12
"""Bytes: 96 bits tell all values apart, and keys stay short."""


class Digests:
    """Keyed hashes of values, under every salt that is known.

    A BLAKE2b key (RFC 7693 §2.9) is derived of each salt once: one digest then takes a quarter of an HMAC's time.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        hashes = [each.rpartition(":") for each in scope.hashes(PURPOSE, "key")]
        self._keys = [(salt, _Keyed(bytes.fromhex(key))) for salt, _, key in hashes]
        self._first, self._key = f"{self._keys[0][0]}:", self._keys[0][1]

    def of(self, kind: str, value: str) -> str:
        """Under the salt that is used now.  A card's value is the core's hash of its number."""
        if kind in CLEAR:
            return value
        if kind == "card":
            return short(value)
        return self._first + self._key.digest(kind, value)

    def all(self, kind: str, value: str) -> tuple[str, ...]:
        """Under each salt, the one that is used now first.  Of a card only that: its number is not known."""
        if kind in CLEAR or kind == "card":
            return (self.of(kind, value),)
        return tuple(f"{salt}:{key.digest(kind, value)}" for salt, key in self._keys)

    def is_current(self, kind: str, digest: str) -> bool:
        """Whether it is under the salt that is used now."""
        return kind in CLEAR or kind == "card" or digest.rpartition(":")[0] == self._keys[0][0]

    def of_card(self, number: str) -> tuple[str, ...]:
        """Of a card's number, as a reviewer types it, under each salt."""
        return tuple(map(short, self._scope.hashes(CARD_PURPOSE, number)))


def short(hashed: str) -> str:
    """A keyed hash of the core's, as long as a digest."""
    salt, _, digits = hashed.rpartition(":")
    return f"{salt}:{digits[: 2 * SIZE]}"


class _Keyed:
    """One salt's key: of each kind, a hash that has taken it in already is copied, which halves the time."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._begun: dict[str, blake2b] = {}

    def digest(self, kind: str, value: str) -> str:
        begun = self._begun.get(kind)
        if begun is None:
            begun = self._begun[kind] = blake2b(digest_size=SIZE, key=self._key, person=kind.encode())
        hashing = begun.copy()
        hashing.update(value.encode("utf-8", "surrogatepass"))
        return hashing.hexdigest()
