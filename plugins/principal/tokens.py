"""Tokens: PyJWT says whether one is good; what it said is remembered until the token ends or the keys change."""

from __future__ import annotations

import hashlib
from typing import Any

import jwt

from gateway import Scope

from .decision import InvalidToken, acceptable
from .keys import KeyRing, Known
from .options import JwtConfig

REMEMBERED = 4096
LONGEST = 16 << 10

_NOT_GOOD = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)
"""PyJWT's own errors, and what a hostile document makes of its JSON and its numbers."""


class Verifier:
    """Names the caller of a token, or raises InvalidToken."""

    def __init__(self, options: JwtConfig, known: Known, scope: Scope) -> None:
        self._options = options
        self._known = known
        self._clock = scope.clock
        self._keys = KeyRing(options, known, scope)
        audience = options.audience
        self._audience = audience if isinstance(audience, str) else list(audience)

    async def open(self) -> None:
        await self._keys.open()

    async def identity(self, token: str) -> str:
        if len(token) > LONGEST:
            raise InvalidToken("TokenTooLong")
        digest = hashlib.sha256(token.encode()).digest()
        if (remembered := self._remembered(digest)) is not None:
            return remembered
        claims = self._verified(token, *await self._key(token))
        identity = claims[self._options.claim]
        if not acceptable(identity):
            raise InvalidToken("UnacceptableIdentity")
        self._remember(digest, float(claims["exp"]) + self._options.leeway, identity)
        return str(identity)

    async def _key(self, token: str) -> tuple[Any, str]:
        try:
            header = jwt.get_unverified_header(token)
        except _NOT_GOOD as error:
            raise InvalidToken(type(error).__name__) from None
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in self._options.algorithms:
            raise InvalidToken("InvalidAlgorithmError")
        key = self._keys.current().find(key_id, algorithm) or (await self._keys.renewed()).find(key_id, algorithm)
        if key is None:
            raise InvalidToken("UnknownKey")
        return key.material, algorithm

    def _verified(self, token: str, key: Any, algorithm: str) -> dict[str, Any]:
        options = self._options
        needed = ["exp", "iss", "aud", options.claim]
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=options.issuer,
                audience=self._audience,
                leeway=options.leeway,
                options={"require": needed, "enforce_minimum_key_length": True},
            )
        except jwt.ExpiredSignatureError:
            raise InvalidToken("ExpiredSignatureError", "The token has expired") from None
        except _NOT_GOOD as error:
            raise InvalidToken(type(error).__name__) from None

    def _remembered(self, digest: bytes) -> str | None:
        found = self._known.verified.get(digest)
        if found is None:
            return None
        keys, expires, identity = found
        if keys is self._keys.current() and self._clock.now() < expires:
            self._known.verified.move_to_end(digest)
            return identity
        del self._known.verified[digest]
        return None

    def _remember(self, digest: bytes, expires: float, identity: str) -> None:
        self._known.verified[digest] = (self._keys.current(), expires, identity)
        if len(self._known.verified) > REMEMBERED:
            self._known.verified.popitem(last=False)
