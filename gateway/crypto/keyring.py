"""The keyring: AES-256-GCM under keys with ids, another key for each purpose."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.crypto.protocol import Unreadable
from gateway.crypto.written import read

KEY_BYTES = 32

_APPLICATION = b"payguard/keyring"
_CHECK = "key check"
_FORMAT = 1
_NONCE = 12
_TAG = 16


class LocalKeyring:
    """One key or more, held in memory; satisfies ``Keyring``.  The first seals, all open.

    Sealed bytes are a format byte, the length of the key's id and the id; a random nonce of 96 bits; ciphertext and
    tag.  What stands before the nonce is authenticated together with ``bound``.  One key may seal 2³² times for each
    purpose (NIST SP 800-38D §8.3); then it is time for a new one.
    """

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        self._keys = dict(keys)
        self._first = keys[0][0]
        self._prefix = _prefix(self._first)
        self._ciphers: dict[tuple[str, str], AESGCM] = {}

    @classmethod
    def parse(cls, text: str) -> LocalKeyring:
        """``hex``, whose id is 1, or ``id:hex,id:hex``.  ValueError says what is wrong, and repeats no key."""
        return cls(tuple(read(text, "key", _fault).items()))

    def seal(self, purpose: str, data: bytes, bound: bytes) -> bytes:
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
        return {
            identifier: hmac.digest(_subkey(key, _CHECK), b"", "sha256")[:8].hex()
            for identifier, key in self._keys.items()
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
