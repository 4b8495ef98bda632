"""The policy document: what a file in ``policies/`` may say.  Data and its validation, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.control.policy_answers import OutcomeEntry
from gateway.control.policy_parts import Name, NotEmpty, Options, PartEntries
from gateway.control.policy_retries import ScheduledRetryEntry
from gateway.control.policy_upstreams import UpstreamEntry
from gateway.parts import Config
from gateway.pointer import Pointer
from gateway.units import Duration, SecretRef, Size

Method = Annotated[str, Field(pattern=r"^[A-Z][A-Z-]*$", examples=["GET", "POST"])]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
Currency = Annotated[str, Field(pattern=r"^[a-z]{3}$", examples=["eur", "usd"])]
Operation = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", examples=["payment.create"])]


class MatchEntry(Config):
    """What a route takes: all that is given must hold."""

    methods: Annotated[tuple[Method, ...], NotEmpty] | None = None
    """Any, where not given."""

    path: str | None = None
    """A template: `/v1/invoices/{id}` takes one segment, `/{rest:path}` takes the rest."""

    prefix: str | None = None
    """Whole segments: `/v1` takes `/v1` and `/v1/a`, not `/v10`."""

    host: Annotated[str, Field(pattern=r"^[^/:\s]+$")] | None = None
    """Without its port."""

    headers: Mapping[str, str] = Field(default_factory=dict)
    """Headers that must be there with this whole value."""


class BoundsEntry(Config):
    """What an amount may be, in minor units."""

    least: Annotated[int, Field(ge=0)] | None = None
    """Anything below is refused."""

    most: Annotated[int, Field(ge=0)] | None = None
    """Anything above is refused."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"least {self.least} is more than most {self.most}")
        return self


class PaymentEntry(Config):
    """Where a route's body holds the facts of the payment.  The core reads them from the body as received."""

    operation: Operation
    """`noun.verb`, such as `payment.create`; it names the operation in logs, metrics and rules."""

    amount: Pointer | None = None
    """Where the amount is."""

    unit: Literal["minor", "major"] = "minor"
    """Whether 1000 is ten euros or a thousand."""

    exponents: Literal["iso4217", "stripe"] = "iso4217"
    """Whose rule says how many digits a currency's minor unit has."""

    currency: Pointer | None = None
    """Where the currency is."""

    customer: Pointer | None = None
    """Where the customer is."""

    email: Pointer | None = None
    """Where the customer's e-mail address is."""

    card: Pointer | None = None
    """Where the card number is.  The fact holds a keyed hash of it, its first six and last four digits."""

    bounds: Mapping[Currency, BoundsEntry] = Field(default_factory=dict)
    """What an amount may be, by currency."""

    @model_validator(mode="after")
    def _money_is_whole(self) -> Self:
        if (self.amount is None) != (self.currency is None):
            raise ValueError("amount and currency are given together: one means nothing without the other")
        if self.bounds and self.amount is None:
            raise ValueError("bounds need an amount")
        return self


class AcceptEntry(Config):
    """Payments that are kept while the upstream cannot be reached, and sent when it is back."""

    most: Annotated[int, Field(ge=1, le=100_000)]
    """How many may wait, on this route."""

    for_: Annotated[Duration, Field(gt=0, alias="for")]
    """How long each may wait; then it has failed, and was never sent."""

    ceiling: Annotated[Mapping[Currency, Annotated[int, Field(ge=1)]], NotEmpty]
    """By currency, how many minor units may wait altogether.  A currency that is not here is refused."""

    rate: Annotated[float, Field(gt=0, le=1000)] = 5.0
    """How many a second are sent, at most, once the upstream is back."""

    headers: Mapping[HeaderName, SecretRef] = Field(default_factory=dict)
    """Credentials for what is sent later, by reference: a caller's own are never stored."""


class WhenUnreachableEntry(Config):
    """What becomes of a payment that cannot be sent."""

    accept: AcceptEntry
    """Answer 202, and send it later."""


class RouteEntry(Config):
    """A match, its filters, its upstream.  The first route that matches takes a request."""

    name: Name
    """Names the route in logs, metrics and reports."""

    match: MatchEntry
    """What it takes."""

    upstream: Name
    """Where it sends."""

    payment: PaymentEntry | None = None
    """Facts of a money-moving request."""

    outcomes: tuple[OutcomeEntry, ...] = ()
    """What answers mean for the payment, before the default: 2xx succeeded (202 pending), 401, 403 and 429 released,
    408, 409, 425 and 5xx in_doubt, any other 4xx failed.  The first that holds decides."""

    when_unreachable: Literal["refuse"] | WhenUnreachableEntry = "refuse"
    """What a payment is answered while its upstream cannot be reached, and certainly got nothing: `refuse` with 503
    and Retry-After, or `accept` with 202 and where to ask what becomes of it."""

    scheduled_retry: ScheduledRetryEntry | None = None
    """When a payment that was softly declined is tried again by the gateway itself; never, unless all of it is
    declared."""

    buffer: Size = 1 << 20
    """The largest body that is kept whole for filters that read it; what none reads streams, however large."""

    detect: bool = False
    """Whether it is reported which fields of its requests and answers carry card data that no filter protects."""

    filters: PartEntries = ()
    """What runs once per request: down in this order, up in reverse."""

    @model_validator(mode="after")
    def _outcomes_of_payments(self) -> Self:
        if self.outcomes and self.payment is None:
            raise ValueError("outcomes are of payments: give the route a payment")
        return self


class Policy(Config):
    """A policy of Payguard."""

    version: Literal[1]
    """The version of this format."""

    tenant: Name = "default"
    """Binds ciphertexts and tokens; one per policy."""

    components: Mapping[str, Options] = Field(default_factory=dict)
    """What runs once per process, by name, with its options."""

    upstreams: Annotated[Mapping[Name, UpstreamEntry], NotEmpty]
    """Places to send to, by name."""

    routes: Annotated[tuple[RouteEntry, ...], NotEmpty]
    """The first that matches takes a request; where none does, the answer is 404."""
