"""The options of ``tokenise``, and of the vault."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway import Config, Duration, Pointer

Rule = Literal["pass", "refuse"]


class TokeniseConfig(Config):
    fields: tuple[Pointer, ...] = ()
    """Which fields of a request hold card numbers that tokens take the place of: pointers such as `/card/number` or
    `/items/*/card`."""

    reveal: tuple[Pointer, ...] = ()
    """Which fields hold tokens that their numbers take the place of: for routes that may, such as to the processor."""

    reveal_on: Literal["request", "response"] = "request"
    """Where they do: in requests, or in answers of the upstream."""

    one_token_per: Literal["tenant", "customer", "use"] = "tenant"
    """What the same card has one token for: the tenant, a `customer` of it, or nothing: then each use has its own."""

    customer: Pointer | None = None
    """Which field of the request names the customer that a token belongs to, and can be forgotten with."""

    last_four: bool = False
    """Whether a token ends with `_` and the last four digits of its card."""

    expires: Annotated[Duration, Field(gt=0)] | None = None
    """How long after it was made a token is good for; unset, until it is forgotten."""

    if_missing: Rule = "pass"
    """What to do where a field is not there, or its value is null: nothing, or refuse."""

    if_no_card: Rule = "refuse"
    """What to do where one of `fields` holds no card number: refuse, or leave it so."""

    if_token: Rule = "refuse"
    """What to do where one of `fields` already holds a token: refuse, or leave it so; the vault is not asked."""

    if_clear: Rule = "refuse"
    """What to do where one of `reveal` holds no token: leave it so, or refuse."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.fields and not self.reveal:
            raise ValueError("does nothing: name fields, or reveal")
        if self.one_token_per == "customer" and self.customer is None:
            raise ValueError("one_token_per: customer needs customer: the field that names it")
        if self.one_token_per == "tenant" and self.customer is not None:
            raise ValueError(
                "a token that all customers share cannot be forgotten with one of them: say one_token_per: customer"
            )
        return self


class VaultConfig(Config):
    known: Annotated[int, Field(ge=0, le=1_000_000)] = 10_000
    """How many cards are remembered, as keyed hashes with their tokens, so that the database need not be asked."""

    known_for: Annotated[Duration, Field(ge=0, le=3600)] = 30.0
    """For how long: what another gateway forgot may still be given out so long, and is then revealed nowhere."""

    purge: Annotated[Duration, Field(ge=1)] = 300.0
    """How often tokens that have expired are removed."""
