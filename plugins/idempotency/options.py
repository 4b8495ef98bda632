"""The options of ``idempotency``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway import Config, Duration

HeaderName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9-]+$"), AfterValidator(str.lower)]


class IdempotencyConfig(Config):
    key: Literal["required", "optional", "generated"] = "required"
    """What becomes of a request without a key: it is refused, it is passed on, or it gets one that is made of what it
    says. `generated` only tells of possible duplicates, and is never for refunds: two equal ones may both be meant."""

    header: HeaderName = "idempotency-key"
    """The header that holds the key. The upstream is sent what stands for it, under the same name."""

    window: Annotated[Duration, Field(ge=60)] = 86400.0
    """How long a key is recognised, at least."""

    duplicate_within: Annotated[Duration, Field(ge=10)] = 600.0
    """With `generated`: how long the same request is a possible duplicate."""

    wait: Annotated[Duration, Field(le=30)] = 0.0
    """How long a repeat waits while the first request is under way, before it is answered 409."""

    waiting: int = Field(default=100, ge=1, le=10_000)
    """How many repeats may wait at once; what is beyond it is answered at once."""

    codes: Literal["ietf", "stripe"] = "ietf"
    """Whose statuses and codes clients know: those of the IETF's draft, or Stripe's."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.key != "generated" and "duplicate_within" in self.model_fields_set:
            raise ValueError("duplicate_within is for key: generated")
        if not self.wait and "waiting" in self.model_fields_set:
            raise ValueError("waiting needs wait: how long")
        return self
