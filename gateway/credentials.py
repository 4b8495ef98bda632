"""Credentials: what a request shows of itself, named in a policy and read where it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Protocol, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.parts import Config
from gateway.units import SecretRef

_OURS = frozenset(
    {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


def _lower(name: str) -> str:
    if name.lower() in _OURS:
        raise ValueError(f"{name} is written by the gateway")
    return name.lower()


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$"), AfterValidator(_lower)]


class Secrets(Protocol):
    """What a Scope has of them."""

    def secret(self, reference: str) -> str: ...


class Credentials(Config):
    """Base of options for parts that ask somebody who wants to know who asks.  A policy holds no secret."""

    headers: Mapping[HeaderName, SecretRef] = Field(default_factory=dict)
    """Headers to send, each with the secret that is its whole value."""

    bearer: SecretRef | None = None
    """A secret to send as `Authorization: Bearer …`."""

    @model_validator(mode="after")
    def _says_who_once(self) -> Self:
        if self.bearer is not None and "authorization" in self.headers:
            raise ValueError("bearer and the header authorization would say the same twice; give one of them")
        return self

    def fields(self, scope: Secrets) -> dict[str, str]:
        """The headers with their values.  ValueError where a secret is missing, or cannot stand in a header."""
        read = {name: scope.secret(reference) for name, reference in self.headers.items()}
        if self.bearer is not None:
            read["authorization"] = f"Bearer {scope.secret(self.bearer)}"
        for name, value in read.items():
            if not (value.isascii() and value.isprintable()):
                raise ValueError(f"the secret for the header {name} has characters that no header can hold")
        return read
