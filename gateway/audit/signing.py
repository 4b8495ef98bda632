"""The key that seals the audit trail: derived from ENCRYPTION_KEY, or else made once and kept in the data folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from secrets import token_bytes

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.audit.entries import Kind, Seal, message
from gateway.crypto.salts import keep
from gateway.crypto.written import read

FILE_NAME = "audit_key"
KEY_BYTES = 32

NAMED = 16
"""Hexadecimal digits of a key by which a pledge is told from others."""

_SALT, _PURPOSE = b"payguard/audit", b"seal"


class Signer:
    """Seals with one key; ``public`` is its public half in hexadecimal."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def seal(self, writer: str, seq: int, kind: Kind, hash: str, at: float) -> Seal:  # noqa: A002
        signature = self._key.sign(message(writer, seq, kind, hash, at)).hex()
        return Seal(writer, seq, kind, hash, at, self.public, signature)


class Sealer:
    """Seals with the first of ``signers``, and vouches for what any of them, or of those before, has sealed."""

    def __init__(self, signers: Sequence[Signer]) -> None:
        self.public: tuple[str, ...] = ()
        self.adopt(signers)

    def adopt(self, signers: Sequence[Signer]) -> None:
        """Seal with the first of these from now on."""
        self._first = signers[0]
        self.public = tuple(dict.fromkeys((*(signer.public for signer in signers), *self.public)))

    def seal(self, writer: str, seq: int, kind: Kind, hash: str, at: float) -> Seal:  # noqa: A002
        return self._first.seal(writer, seq, kind, hash, at)

    def pledges(self, at: float) -> list[Seal]:
        """That each other key is ours: by these, whoever trusts the first knows them once they are gone."""
        first, *others = self.public
        return [self._first.seal(f"{first[:NAMED]}:{other[:NAMED]}", 0, "key", other, at) for other in others]


def vouched(trusted: Collection[str], pledges: Iterable[Seal]) -> frozenset[str]:
    """The keys that are trusted, those for which they vouch, and so on."""
    left = [each for each in pledges if each.kind == "key" and signed(each)]
    known, before = frozenset(trusted), 0
    while len(known) > before:
        before = len(known)
        known |= {each.hash for each in left if each.key in known}
    return known


def signed(seal: Seal) -> bool:
    """Whether the key that the seal names has signed it: whose key that is, the caller knows."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(seal.key))
        key.verify(bytes.fromhex(seal.signature), seal.message())
    except (InvalidSignature, ValueError):
        return False
    return True


def signers(encryption_key: str | None, data_dir: Path, *, make: bool = False) -> Sequence[Signer]:
    """The one that seals first, then those that may have sealed before.

    From each key of ``ENCRYPTION_KEY``; with none, from the file in the data folder, which is made where it is to be
    (``make``).  Empty where there is neither.  OSError where the folder cannot be read or written; ValueError where
    what is there is no key.
    """
    derived = () if encryption_key is None else tuple(map(_derived, read(encryption_key, "key", _fault).values()))
    path = data_dir / FILE_NAME
    if make and not derived and not path.exists():
        keep(token_bytes(KEY_BYTES).hex(), path)
    kept = (Signer(_seed(path)),) if path.exists() else ()
    return *derived, *kept


def _derived(key: bytes) -> Signer:
    """RFC 5869."""
    return Signer(HKDF(SHA256(), KEY_BYTES, salt=_SALT, info=_PURPOSE).derive(key))


def _seed(path: Path) -> bytes:
    found = bytes.fromhex(path.read_text(encoding="ascii"))
    if len(found) != KEY_BYTES:
        raise ValueError(f"{path} has {len(found)} bytes; {KEY_BYTES} are needed, 64 hexadecimal digits")
    return found


def _fault(length: int) -> str | None:
    return None if length == KEY_BYTES else f"{KEY_BYTES} are needed, 64 hexadecimal digits"
