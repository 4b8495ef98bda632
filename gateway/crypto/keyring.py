"""The keyring: AES-256-GCM under keys with ids, another key for each purpose."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.crypto.protocol import Unreadable
from gateway.crypto.written import read
from gateway.errors import CannotSeal

KEY_BYTES = 32

UNCOUNTED = 1 << 62
NOT_COUNTED = "Nothing can be encrypted now: the uses of the key cannot be counted while the database is away."

_APPLICATION = b"payguard/keyring"
_CHECK = "key check"
_FORMAT = 1
_NONCE = 12
_TAG = 16


class Allowance:
    """How often a key may seal, as far as that was counted ahead.

    ``left`` goes down with each use.  Under ``low``, ``ask`` is called, once until somebody grants more; under zero,
    each time, and CannotSeal is raised, with ``why``.
    """

    __slots__ = ("ask", "left", "low", "why")

    def __init__(self, left: int = 0, ask: Callable[[], None] = lambda: None) -> None:
        self.left = left
        self.low = 0
        self.ask = ask
        self.why = NOT_COUNTED

    def grant(self, uses: int) -> None:
        self.left = max(self.left, 0) + uses
        self.low = self.left // 2

    def run_low(self) -> None:
        self.low = 0
        self.ask()
        if self.left < 0:
            self.left = -1
            raise CannotSeal(self.why)


class LocalKeyring:
    """One key or more, held in memory; satisfies ``Keyring``.  The first seals, all open.

    Sealed bytes are a format byte, the length of the key's id and the id; a random nonce of 96 bits; ciphertext and
    tag.  What stands before the nonce is authenticated together with ``bound``.  One key may seal 2³² times, whatever
    for (NIST SP 800-38D §8.3, which allows that for each purpose): ``meter`` says who counts; else nobody does.
    """

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        self._take(dict(keys), keys[0][0])
        self._allowance = Allowance(UNCOUNTED)

    @property
    def ids(self) -> tuple[str, ...]:
        """In the order in which they are written; ``first`` is the one that seals, which need not be the first."""
        return tuple(self._keys)

    @property
    def first(self) -> str:
        return self._first

    def meter(self, allowance: Allowance) -> None:
        """What the key that seals may still do."""
        self._allowance = allowance

    def adopt(self, other: LocalKeyring, first: str, allowance: Allowance) -> None:
        """Have the keys of the other from now on; ``first`` of them seals."""
        self._take(other._keys, first)
        self._allowance = allowance

    def _take(self, keys: dict[str, bytes], first: str) -> None:
        self._keys = keys
        self._first = first
        self._prefix = _prefix(first)
        self._ciphers: dict[tuple[str, str], AESGCM] = {}

    @classmethod
    def parse(cls, text: str) -> LocalKeyring:
        """``hex``, whose id is 1, or ``id:hex,id:hex``.  ValueError says what is wrong, and repeats no key."""
        return cls(tuple(read(text, "key", _fault).items()))

    def seal(self, purpose: str, data: bytes, bound: bytes) -> bytes:
        allowance = self._allowance
        allowance.left -= 1
        if allowance.left < allowance.low:
            allowance.run_low()
        prefix, nonce = self._prefix, urandom(_NONCE)
        return prefix + nonce + self._cipher(self._first, purpose).encrypt(nonce, data, prefix + bound)

    def open(self, purpose: str, sealed: bytes, bound: bytes) -> bytes:
        identifier = _key_id(sealed)
        if identifier not in self._keys:
            raise Unreadable(f"it was sealed with the key {identifier}, which this gateway does not have")
        start = 2 + sealed[1]
        nonce, ciphertext = sealed[start : start + _NONCE], sealed[start + _NONCE :]
        try:
            return self._cipher(identifier, purpose).decrypt(nonce, ciphertext, sealed[:start] + bound)
        except InvalidTag:
            raise Unreadable(
                f"it was changed, or belongs elsewhere, or was sealed with another key than the {identifier} of now"
            ) from None

    def key_of(self, sealed: bytes) -> str:
        return _key_id(sealed)

    def check_values(self) -> dict[str, str]:
        """That of the key that seals comes first."""
        first = self._first
        return {
            identifier: hmac.digest(_subkey(key, _CHECK), b"", "sha256")[:8].hex()
            for identifier, key in sorted(self._keys.items(), key=lambda each: each[0] != first)
        }

    def _cipher(self, identifier: str, purpose: str) -> AESGCM:
        """Purposes are words of the code, so they are few."""
        cipher = self._ciphers.get((identifier, purpose))
        if cipher is None:
            cipher = self._ciphers[identifier, purpose] = AESGCM(_subkey(self._keys[identifier], purpose))
        return cipher


def _fault(length: int) -> str | None:
    return None if length == KEY_BYTES else f"{KEY_BYTES} are needed, 64 hexadecimal digits"


def _subkey(key: bytes, purpose: str) -> bytes:
    """RFC 5869."""
    return HKDF(SHA256(), KEY_BYTES, salt=_APPLICATION, info=purpose.encode()).derive(key)


def _prefix(identifier: str) -> bytes:
    return bytes((_FORMAT, len(identifier))) + identifier.encode()


def _key_id(sealed: bytes) -> str:
    if len(sealed) < 2 or sealed[0] != _FORMAT or len(sealed) < 2 + sealed[1] + _NONCE + _TAG:
        raise Unreadable("it is not what a keyring of this version has sealed")
    return sealed[2 : 2 + sealed[1]].decode("latin-1")
