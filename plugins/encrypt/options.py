"""The options of ``encrypt``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway import FieldsConfig

Do = Literal["encrypt", "decrypt", "leave"]


class EncryptConfig(FieldsConfig):
    request: Do = "encrypt"
    """What is done with them in a request."""

    response: Do = "leave"
    """What is done with them in an answer of the upstream."""

    purpose: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")] = "field"
    """What they are encrypted for: a token opens only for the same purpose, in the same field, of the same tenant."""

    if_token: Literal["pass", "refuse"] = "refuse"
    """What to do where a field that is to be encrypted already holds a token: leave one that opens so, or refuse."""

    if_clear: Literal["pass", "refuse"] = "refuse"
    """What to do where a field that is to be decrypted holds no token: leave it so, or refuse."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.request == self.response == "leave":
            raise ValueError("leaves requests and answers alike: say encrypt or decrypt under request or response")
        return self
