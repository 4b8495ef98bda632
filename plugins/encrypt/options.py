"""The options of ``encrypt``."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from gateway import Config, Pointer

Do = Literal["encrypt", "decrypt", "leave"]
Rule = Literal["pass", "refuse"]


class FieldEntry(Config):
    """A field: its pointer alone, or `{at: pointer, as: name}`."""

    at: Pointer
    """Where it is, as a JSON pointer in which `*` stands for every member or item."""

    name: Annotated[str | None, Field(alias="as", min_length=1, max_length=200)] = None
    """What it is called: a token opens only in a field of the same name.  Unset, its pointer as it is written here."""

    if_missing: Rule | None = None
    """As above, for this field alone."""

    @property
    def bound(self) -> str:
        return self.name or self.at


def _entry(given: Any) -> Any:
    return {"at": given} if isinstance(given, str) else given


class EncryptConfig(Config):
    fields: Annotated[tuple[Annotated[FieldEntry, BeforeValidator(_entry)], ...], Field(min_length=1)]
    """Which fields of a JSON body: each a pointer such as `/card/number` or `/items/*/card`, or `{at: …, as: …}`."""

    request: Do = "encrypt"
    """What is done with them in a request."""

    response: Do = "leave"
    """What is done with them in an answer of the upstream."""

    purpose: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")] = "field"
    """What they are encrypted for: a token opens only for the same purpose, in the same field, of the same tenant."""

    if_missing: Rule = "pass"
    """What to do where a field is not there, or its value is null: nothing, or refuse."""

    if_token: Rule = "refuse"
    """What to do where a field that is to be encrypted already holds a token: leave it so, or refuse."""

    if_clear: Rule = "refuse"
    """What to do where a field that is to be decrypted holds no token: leave it so, or refuse."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.request == self.response == "leave":
            raise ValueError("leaves requests and answers alike: say encrypt or decrypt under request or response")
        return self
