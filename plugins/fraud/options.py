"""The options of ``fraud``: of the filter, and of what it has once per process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway import Config, Duration, OptionalConfig, SecretRef

from .decision import BLOCK_AT, REVIEW_AT, HardRule
from .points import Points

Source = Annotated[str, Field(pattern=r"^(/.*|header:[A-Za-z0-9-]+)$", examples=["/device/id", "header:x-device"])]
"""Where a fact stands: a JSON pointer into the body as received, or the header of a request."""

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]


class FactsConfig(Config):
    """Where the request holds facts beyond those of the route's `payment`; one that is missing there is none."""

    device: Source | None = None
    """What tells the payer's device from others."""

    merchant: Source | None = None
    """Who is paid, or at which terminal."""

    country: Source | None = None
    """The payer's country, in two letters."""

    card_country: Source | None = None
    """The card's country, in two letters."""

    account_created: Source | None = None
    """When the customer's account was made: seconds since the epoch, or RFC 3339."""


class HoldConfig(Config):
    """What waits for a reviewer."""

    most: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """How many may wait, on this route."""

    within: Annotated[Duration, Field(gt=0)] = 86400.0
    """How long each waits; then it has failed, and was never sent."""

    rate: Annotated[float, Field(gt=0, le=1000)] = 5.0
    """How many a second are sent, at most, of those that were approved."""

    headers: Mapping[HeaderName, SecretRef] = Field(default_factory=dict)
    """Credentials for what is sent later, by reference: a caller's own are never stored."""


class FraudConfig(OptionalConfig):
    facts: FactsConfig = FactsConfig()
    """Where the request holds further facts."""

    review_at: Annotated[int, Field(ge=0, le=100)] = REVIEW_AT
    """The score from which a payment is reviewed; 100: none is."""

    block_at: Annotated[int, Field(ge=0, le=100)] = BLOCK_AT
    """The score from which a payment is refused; 100: none is."""

    points: tuple[Points, ...] = ()
    """Points of the model that needs no labels; those of a factor take the place of its own for that factor."""

    model: str | None = None
    """The file of a trained model, in the place of points."""

    rules: tuple[HardRule, ...] = ()
    """Rules that decide alone, whatever the score; the first that holds."""

    on_review: Literal["pass", "hold"] = "pass"
    """What becomes of a payment that is to be reviewed: it passes on with a signed header, or waits for a reviewer."""

    hold: HoldConfig = HoldConfig()
    """With `on_review: hold`."""

    sign_with: SecretRef | None = None
    """The key that signs the header `Payguard-Risk` of payments to be reviewed; without one there is no header."""

    block_status: Literal[402, 403] = 402
    """What a refused payment is answered with."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.review_at > self.block_at:
            raise ValueError(f"review_at ({self.review_at}) is above block_at ({self.block_at})")
        if self.model is not None and self.points:
            raise ValueError("a model has no points: give model or points")
        return self


class DeskConfig(Config):
    state: Literal["store", "memory"] = "store"
    """Where what is known of keys is kept: where gateways share it, which of a gateway without a REDIS_URL is its own
    memory; or in memory in any case."""

    entries: Annotated[int, Field(ge=100, le=100_000_000)] = 200_000
    """How many keys are known at most, in memory; of more, those not seen for longest are forgotten."""

    label_delay: Annotated[Duration, Field(gt=0)] = 7 * 86400.0
    """How long after a payment its label is due: one that has none then counts as legitimate."""

    refresh: Annotated[Duration, Field(ge=1)] = 5.0
    """How often lists are looked at, which other gateways may have changed."""


class DecisionsConfig(Config):
    keep: Annotated[Duration, Field(ge=86400)] = 90 * 86400.0
    """How long decisions and labels are kept; no shorter than the delay of labels."""
