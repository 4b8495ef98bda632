"""The options of ``status_url``: where to ask, and what the answer says where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway import Credentials, Duration, Exponents, Pointer, Size, Unit, blanks, url_template

Verdict = Literal["succeeded", "failed", "pending", "absent", "unknown"]

FIELDS = ("key", "id", "owner", "request_id", "trace_id", "route", "operation", "amount", "currency")
"""What of a record may stand in the url."""

OURS = frozenset({"key", "id"})
"""What names this payment and no other."""


class StatusUrlConfig(Credentials):
    """Where to ask, and what the answer says where."""

    url: Annotated[
        str, AfterValidator(url_template(FIELDS)), Field(examples=["http://127.0.0.1:9000/v1/payments?key={key}"])
    ]
    """Where to ask, by GET. `{key}` is what the upstream got as the idempotency key, `{id}` the payment's in the
    ledger; `{owner}`, `{request_id}`, `{trace_id}`, `{route}`, `{operation}`, `{amount}` and `{currency}` are the
    payment's as well. They are percent-encoded."""

    status: Pointer
    """Where the answer says how the payment stands."""

    values: Mapping[str, Verdict]
    """What that means: `succeeded`, `failed`, `pending`, `absent` or `unknown`. Any other value is `unknown`."""

    amount: Pointer | None = None
    """Where the amount is. Without it a payment with an amount is never found to have succeeded."""

    currency: Pointer | None = None
    """Where the currency is; as above."""

    unit: Unit = "minor"
    """Whether 1000 is ten euros or a thousand."""

    exponents: Exponents = "iso4217"
    """Whose rule says how many digits a currency's minor unit has."""

    key: Pointer | None = None
    """Where the answer repeats our key. One with another key, or none, is another's."""

    items: Pointer | None = None
    """Where the payments are, of an answer that is a list of them. Exactly one must be ours."""

    absent: frozenset[Annotated[int, Field(ge=400, le=499)]] = frozenset({404})
    """Answers that mean that there is no such payment."""

    timeout: Annotated[Duration, Field(gt=0)] = 5.0
    """How long the whole answer may take."""

    most: Size = 64 << 10
    """The largest answer that is read."""

    @property
    def placeholders(self) -> frozenset[str]:
        """What of a record the url asks for."""
        return blanks(self.url)

    @property
    def by_key(self) -> bool:
        """Whether the url itself names this payment and no other."""
        return bool(self.placeholders & OURS)

    @property
    def misses_ours(self) -> bool:
        """Whether that it is not there means this payment: upstreams are sent its key, and never its id."""
        return "key" in self.placeholders

    @model_validator(mode="after")
    def _asks_for_ours(self) -> Self:
        if not self.by_key and self.key is None:
            raise ValueError("proves nothing: name {key} in the url, or give key, where the answer repeats our key")
        if not self.values:
            raise ValueError("values say nothing: write what each status means, such as {paid: succeeded}")
        return self
