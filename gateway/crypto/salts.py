"""Salts: keyed hashes of what must be recognised and never read again, such as a card number."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.crypto.written import digits, read

LEAST_BYTES = 16
FILE_NAME = "hash_salt"

_APPLICATION = b"payguard/hash"
_CHECK = "key check"


class Hmac:
    """HMAC-SHA-256 (RFC 2104) of many messages under one key of at most 64 bytes.

    What the key alone decides is computed once: that takes half the time of ``hmac.digest``, which looks up its
    algorithm anew for each message.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def hex(self, message: bytes) -> str:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.hexdigest()


class Salts:
    """One salt or more, each with an id.  The first hashes; the others recognise what they hashed before it."""

    def __init__(self, salts: Sequence[tuple[str, bytes]]) -> None:
        self._take(tuple(salts))

    @property
    def ids(self) -> tuple[str, ...]:
        """The first hashes."""
        return tuple(identifier for identifier, _ in self._salts)

    def adopt(self, other: Salts, first: str) -> None:
        """Have the salts of the other from now on; ``first`` of them hashes."""
        self._take(tuple(sorted(other._salts, key=lambda each: each[0] != first)))

    def _take(self, salts: tuple[tuple[str, bytes], ...]) -> None:
        self._salts = salts
        self._keys: dict[str, tuple[tuple[str, Hmac], ...]] = {}

    @classmethod
    def parse(cls, text: str) -> Salts:
        """``hex``, whose id is 1, or ``id:hex,id:hex``.  ValueError says what is wrong, and repeats no salt."""
        return cls(tuple(read(text, "salt", _fault).items()))

    def hash(self, purpose: str, value: str | bytes) -> str:
        """``id:hex`` of the value.  The same value hashes differently for another purpose; text is hashed as UTF-8."""
        identifier, key = (self._keys.get(purpose) or self._keys_of(purpose))[0]
        return f"{identifier}:{key.hex(value.encode() if isinstance(value, str) else value)}"

    def hashes(self, purpose: str, value: str | bytes) -> tuple[str, ...]:
        """What ``hash`` says now, then what it said with each of the other salts."""
        message = value.encode() if isinstance(value, str) else value
        return tuple(f"{identifier}:{key.hex(message)}" for identifier, key in self._keys_of(purpose))

    def check_values(self) -> dict[str, str]:
        """By the ids of the salts, something that tells another salt under the same id, and nothing else of it."""
        return {identifier: key.hex(b"")[:16] for identifier, key in self._keys_of(_CHECK)}

    def _keys_of(self, purpose: str) -> tuple[tuple[str, Hmac], ...]:
        """A key per salt.  Purposes are words of the code, so they are few."""
        if purpose not in self._keys:
            self._keys[purpose] = tuple((identifier, Hmac(_key(salt, purpose))) for identifier, salt in self._salts)
        return self._keys[purpose]


def _fault(length: int) -> str | None:
    return None if length >= LEAST_BYTES else f"at least {LEAST_BYTES} are needed"


def _key(salt: bytes, purpose: str) -> bytes:
    """HKDF-SHA-256 (RFC 5869) with one block of output."""
    extracted = hmac.digest(_APPLICATION, salt, "sha256")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")


class LoadedSalts(NamedTuple):
    salts: Salts
    made: Path | None
    """The file that a new salt was just written to."""
    secrets: tuple[str, ...]
    """Each salt as it is written: what may stand in no output."""


def load_salts(text: str | None, data_dir: Path) -> LoadedSalts:
    """The salts that ``text`` gives; with none, those kept in the data folder; with none there, a new one, kept.

    OSError where the folder cannot be read or written, ValueError where what is there is no salt.
    """
    if text is not None:
        return _loaded(text, None)
    path = data_dir / FILE_NAME
    made = not path.exists() and keep(secrets.token_hex(32), path)
    return _loaded(path.read_text(encoding="ascii"), path if made else None)


def _loaded(text: str, made: Path | None) -> LoadedSalts:
    return LoadedSalts(Salts.parse(text), made, digits(text))


def keep(text: str, path: Path) -> bool:
    """Write it for the owner only, whole or not at all; False where another process was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True
