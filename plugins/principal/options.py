"""The options of ``principal``."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from gateway import Config, Duration, SecretRef

Asymmetric = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
Symmetric = Literal["HS256", "HS384", "HS512"]
HeaderName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9-]+$"), AfterValidator(str.lower)]


def _confidential(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")):
        return url
    raise ValueError("keys are fetched by https; plain http is for loopback only")


class JwtConfig(Config):
    """Where the keys are (one of `key_file`, `jwks_file`, `jwks_url`, `key`), and what a token must say."""

    key_file: str | None = None
    """A public key or a certificate, PEM.  Files are read when the policy is activated."""

    jwks_file: str | None = None
    """A JSON Web Key Set."""

    jwks_url: Annotated[str, AfterValidator(_confidential)] | None = None
    """Where the issuer publishes its key set.  Fetched when the policy is activated, again every `refresh`, and when
    a token names a key that is not in it."""

    key: SecretRef | None = None
    """The secret that the issuer and this gateway share, for HS256, HS384 and HS512."""

    issuer: str = Field(min_length=1)
    """What `iss` must be."""

    audience: str | tuple[str, ...] = Field(min_length=1)
    """What `aud` must contain: this, or one of these."""

    algorithms: tuple[Asymmetric | Symmetric, ...] = Field(default=("RS256", "ES256"), min_length=1)
    """Which signatures are believed."""

    claim: str = Field(default="sub", min_length=1)
    """The claim that names the caller."""

    leeway: Duration = Field(default=10.0, le=300)
    """By how much the issuer's clock may differ."""

    refresh: Annotated[Duration, Field(ge=10)] = 600.0
    """How old a fetched key set may become; a key that the issuer withdraws is believed for no longer.  While the
    issuer cannot be asked, the set that was fetched last serves on."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        sources = [name for name in ("key_file", "jwks_file", "jwks_url", "key") if getattr(self, name) is not None]
        if len(sources) != 1:
            raise ValueError("say one of key_file, jwks_file, jwks_url and key")
        symmetric = [name for name in self.algorithms if name.startswith("HS")]
        if self.key is None and symmetric:
            raise ValueError(f"{symmetric[0]} needs `key`: a public key is no secret")
        if self.key is not None and len(symmetric) != len(self.algorithms):
            raise ValueError("`key` is a shared secret: say algorithms: [HS256], or HS384, HS512")
        return self


class PrincipalConfig(Config):
    header: HeaderName | None = None
    """The header that names the caller."""

    source: Literal["trusted", "any"] = Field("trusted", alias="from")
    """Whose header is believed: that of the settings' trusted proxies, or anybody's, where whoever reaches the port is
    the boundary."""

    jwt: JwtConfig | None = None
    """Verify the bearer token of the `Authorization` header instead."""

    optional: bool = False
    """Pass on, as nobody, a request that names no caller.  One that names a caller and cannot prove it is refused."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.header is None) == (self.jwt is None):
            raise ValueError("say header or jwt")
        if self.jwt is not None and "source" in self.model_fields_set:
            raise ValueError("from is for header: a token proves itself")
        return self
