"""The keys of an issuer: read, fetched, and fetched again as the issuer rotates them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from gateway import DependencyDown, Scope

from .options import JwtConfig

PAUSE = 10.0
"""Seconds between two fetches, whatever tokens ask for: a stranger can name any key."""

FETCH_TIMEOUT = 5.0
MOST_KEYS = 100
MOST_BYTES = 1 << 20
SHORTEST_SECRET = 32
"""Bytes: RFC 7518 §3.2 asks for a key as long as the hash, of which HS256 has the shortest."""

_FAMILIES: dict[str, type] = {
    "RS": RSAPublicKey,
    "PS": RSAPublicKey,
    "ES": EllipticCurvePublicKey,
    "Ed": Ed25519PublicKey,
    "HS": bytes,
}


@dataclass(frozen=True, slots=True)
class Key:
    """What verifies a signature.  ``id`` and ``algorithm`` are None where the issuer does not say."""

    material: Any
    id: str | None = None
    algorithm: str | None = None

    def fits(self, algorithm: str) -> bool:
        return self.algorithm in (None, algorithm) and isinstance(self.material, _FAMILIES[algorithm[:2]])


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """The issuer's keys of one moment."""

    keys: tuple[Key, ...]

    def find(self, id: str | None, algorithm: str) -> Key | None:  # noqa: A002 - RFC 7517 calls it so
        """The key of that id, else the only one that fits and has none; None rather than a guess."""
        fitting = [key for key in self.keys if key.fits(algorithm)]
        for key in fitting:
            if id is not None and key.id == id:
                return key
        unnamed = [key for key in fitting if id is None or key.id is None]
        return unnamed[0] if len(unnamed) == 1 else None


@dataclass(slots=True)
class Known:
    """What survives a reload of the policy: the keys, what they have verified, and when they were last asked for."""

    keys: KeySet = field(default_factory=lambda: KeySet(()))
    verified: OrderedDict[bytes, tuple[KeySet, float, str]] = field(default_factory=OrderedDict)
    asked: float = -inf
    down: bool = False
    fetching: asyncio.Future[None] | None = None


class KeyRing:
    """The keys that are believed now.  One fetch at a time, whoever asks, and none within PAUSE of the last."""

    def __init__(self, options: JwtConfig, known: Known, scope: Scope) -> None:
        self._options = options
        self._known = known
        self._scope = scope

    async def open(self) -> None:
        if self._options.jwks_url is None or not self._known.keys.keys:
            self._known.asked = self._scope.clock.monotonic()
            self._known.keys = await load(self._options, self._scope)

    def current(self) -> KeySet:
        """Never waits: keys that have become old serve on while they are fetched again."""
        if self._options.jwks_url is not None and self._age() >= self._options.refresh:
            self._start()
        return self._known.keys

    async def renewed(self) -> KeySet:
        """For a token that names an unknown key: the issuer may have rotated.  DependencyDown where it cannot tell."""
        if self._options.jwks_url is None:
            return self._known.keys
        if self._age() >= PAUSE:
            self._start()
        if self._known.fetching is not None:
            await asyncio.shield(self._known.fetching)  # a client that goes away leaves the fetch to the others
        if self._known.down:
            raise DependencyDown("The keys of the token's issuer cannot be fetched")
        return self._known.keys

    def _age(self) -> float:
        return self._scope.clock.monotonic() - self._known.asked

    def _start(self) -> None:
        known = self._known
        if known.fetching is not None:
            return
        known.asked = self._scope.clock.monotonic()
        known.fetching = asyncio.get_running_loop().create_future()
        if not self._scope.tasks.start(self._fetch(known.fetching), name="principal: fetch keys"):
            known.fetching, known.down = None, True

    async def _fetch(self, done: asyncio.Future[None]) -> None:
        known, known.down = self._known, True
        try:
            known.keys = await load(self._options, self._scope)
            known.down = False
        finally:
            known.fetching = None
            done.set_result(None)


async def load(options: JwtConfig, scope: Scope) -> KeySet:
    """The keys from where the options say.  ValueError, or an httpx error, where that fails."""
    if options.jwks_url is not None:
        return parse_jwks(await _get(options.jwks_url, scope))
    if options.jwks_file is not None:
        return parse_jwks(await asyncio.to_thread(Path(options.jwks_file).read_bytes))
    if options.key_file is not None:
        return parse_pem(await asyncio.to_thread(Path(options.key_file).read_bytes))
    return parse_secret(scope.secret(options.key or ""))


async def _get(url: str, scope: Scope) -> bytes:
    document = bytearray()
    async with asyncio.timeout(FETCH_TIMEOUT), scope.http.stream("GET", url) as response:
        response.raise_for_status()
        async for chunk in response.aiter_bytes():
            document += chunk
            if len(document) > MOST_BYTES:
                raise ValueError(f"the key set at {url} has more than {MOST_BYTES} bytes")
    return bytes(document)


def parse_jwks(document: bytes) -> KeySet:
    """The public signing keys of a set; what is for encryption, secret or unknown is left out, as RFC 7517 §5 asks."""
    try:
        found = jwt.PyJWKSet.from_json(document.decode())
    except (jwt.PyJWTError, ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"this is not a usable JSON Web Key Set: {error}") from None
    keys = tuple(
        Key(key.key, key.key_id, key._jwk_data.get("alg"))  # noqa: SLF001 - PyJWK infers an algorithm; what was said is needed
        for key in found.keys
        if key.key_type != "oct" and key.public_key_use in (None, "sig")
    )
    if not 0 < len(keys) <= MOST_KEYS:
        raise ValueError(f"the key set has {len(keys)} keys for signatures; 1 to {MOST_KEYS} are taken")
    return KeySet(keys)


def parse_pem(document: bytes) -> KeySet:
    if b"PRIVATE KEY" in document:
        raise ValueError("the key file holds a private key; give the gateway the public one")
    if b"BEGIN CERTIFICATE" in document:
        return KeySet((Key(load_pem_x509_certificate(document).public_key()),))
    return KeySet((Key(load_pem_public_key(document)),))


def parse_secret(secret: str) -> KeySet:
    material = secret.encode()
    if len(material) < SHORTEST_SECRET:
        raise ValueError(f"the shared key has {len(material)} bytes; {SHORTEST_SECRET} are the least")
    return KeySet((Key(material),))
