"""An issuer of tokens, with real keys."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from plugins.principal.options import JwtConfig

ISSUER, AUDIENCE = "https://id.example", "payments"


class Issuer:
    """Signs tokens, publishes its keys, and rotates them.  One RSA key is made per run; EC keys are cheap."""

    def __init__(self, rsa_key: rsa.RSAPrivateKey) -> None:
        self.rsa_key = rsa_key
        self.ec_keys = {"ec-1": ec.generate_private_key(ec.SECP256R1())}
        self.publish_rsa = True
        self.fetched = 0
        self.status = 200
        self.answers = asyncio.Event()
        self.answers.set()

    def options(self, **options: Any) -> JwtConfig:
        return JwtConfig.model_validate({"issuer": ISSUER, "audience": AUDIENCE, **options})

    def rotate(self, key_id: str, *, keep: bool = True) -> None:
        self.ec_keys = {**(self.ec_keys if keep else {}), key_id: ec.generate_private_key(ec.SECP256R1())}

    def jwks(self) -> dict[str, Any]:
        keys = [
            {**jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id, "use": "sig"}
            for key_id, key in self.ec_keys.items()
        ]
        if self.publish_rsa:
            public = jwt.algorithms.RSAAlgorithm.to_jwk(self.rsa_key.public_key(), as_dict=True)
            keys.append({**public, "kid": "rsa-1"})
        return {"keys": keys}

    def jwks_bytes(self) -> bytes:
        return json.dumps(self.jwks()).encode()

    def pem(self) -> bytes:
        return self.rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def private_pem(self) -> bytes:
        return self.rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def token(self, key_id: str | None = "ec-1", *, key: Any = None, algorithm: str = "", **claims: Any) -> str:
        """A good token, unless ``claims`` says otherwise; a claim of None is left out."""
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "shop-1", "exp": int(time.time()) + 60, **claims}
        payload = {name: value for name, value in said.items() if value is not None}
        signing = key or self.ec_keys.get(key_id or "", self.rsa_key)
        algorithm = algorithm or ("RS256" if signing is self.rsa_key else "ES256")
        return jwt.encode(payload, signing, algorithm=algorithm, headers={"kid": key_id} if key_id else None)

    async def __call__(self, scope, receive, send) -> None:
        """Its key set, over HTTP."""
        self.fetched += 1
        await self.answers.wait()
        body = self.jwks_bytes()
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def issuer(rsa_key) -> Issuer:
    return Issuer(rsa_key)
