"""The policy's entries about answers: what one says, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.control.policy_parts import NotEmpty
from gateway.parts import Config
from gateway.pointer import Pointer

AnswerStatus = Annotated[int, Field(ge=200, le=599)]


class AnswerEntry(Config):
    """What an answer says: all that is given must hold."""

    status: AnswerStatus | Annotated[tuple[AnswerStatus, ...], NotEmpty] | None = None
    """The answer's status, or several."""

    header: Mapping[str, str] = Field(default_factory=dict)
    """Headers that the answer has with this whole value."""

    value: Mapping[Pointer, str] = Field(default_factory=dict)
    """What the answer's JSON says where the pointers lead, as text."""

    code: str | None = None
    """The answer's problem or decline code: `code`, `error.code`, `error.decline_code`, `decline_code` or `error`."""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.status is None and not self.header and not self.value and self.code is None:
            raise ValueError("give at least one of status, header, value and code")
        return self


class OutcomeEntry(AnswerEntry):
    """What an answer means for the payment, where all that is given holds."""

    outcome: Literal["succeeded", "pending", "failed", "released", "in_doubt"]
    """`succeeded`, `pending`, `failed`, `released` (certainly not executed) or `in_doubt`."""
