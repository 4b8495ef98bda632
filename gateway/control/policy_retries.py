"""The policy's ``scheduled_retry``: when a route's declined payments are tried again by the gateway itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.control.policy_answers import AnswerEntry
from gateway.control.policy_parts import NotEmpty
from gateway.credentials import Credentials, HeaderName
from gateway.dataplane.declines import forbidden
from gateway.ledger.schedules import CEILING, WINDOW
from gateway.look_ups import blanks, url_template
from gateway.parts import Config
from gateway.pointer import Pointer
from gateway.units import Duration, SecretRef, Size

BLANKS = ("reference", "id", "key", "owner", "route", "operation", "amount", "currency")
"""What of a declined payment may stand in the url of ``still_due``."""

_OURS = frozenset({"reference", "id", "key"})

Code = Annotated[str, Field(pattern=r"^\S+$", examples=["insufficient_funds"])]
Decline = Code | AnswerEntry
"""A decline code, wherever answers have it; or what the answer says, as an outcome has it."""

Most = Annotated[int, Field(ge=2, le=CEILING)]
Pause = Annotated[Duration, Field(gt=0, le=WINDOW)]


class StillDueEntry(Credentials):
    """Whom to ask whether it still has to be paid, by GET, before each attempt."""

    url: Annotated[
        str, AfterValidator(url_template(BLANKS)), Field(examples=["http://127.0.0.1:9000/v1/x/{reference}"])
    ]
    """Where to ask. `{reference}` is the business reference, `{id}` the declined payment's in the ledger, `{key}` what
    the upstream got as its idempotency key; `{owner}`, `{route}`, `{operation}`, `{amount}` and `{currency}` are the
    payment's as well. They are percent-encoded."""

    value: Pointer
    """Where the answer says how it stands."""

    due: Annotated[frozenset[str], NotEmpty]
    """What it says where it still has to be paid: only then is an attempt made."""

    not_due: frozenset[str] = frozenset()
    """What it says where it has not: no attempt is made any more. After any other answer it is asked again later."""

    timeout: Annotated[Duration, Field(gt=0, le=30)] = 5.0
    """How long the whole answer may take."""

    most: Size = 64 << 10
    """The largest answer that is read."""

    @model_validator(mode="after")
    def _asks_for_ours(self) -> Self:
        if not _OURS.intersection(blanks(self.url)):
            raise ValueError("asks of nothing in particular: name {reference} in the url, or {id} or {key}")
        if both := sorted(self.due & self.not_due):
            raise ValueError(f"{both[0]} cannot be both due and not_due")
        return self


class GrowingEntry(Config):
    """Pauses that double."""

    first: Pause
    """Before the first attempt."""

    most: Pause
    """The longest."""


class ScheduledRetryEntry(Config):
    """What must be declared before a declined payment is tried again, and when it is."""

    stored_method: Pointer
    """Where the request names a payment method that the processor has stored. A card number is none."""

    merchant_initiated: Annotated[Mapping[Pointer, str], NotEmpty]
    """What the request says where the payer has agreed that you take payments without them, as text."""

    reference: Pointer
    """Where the request says what is paid for, such as an invoice: of one reference, owner and operation at most one
    payment is open or has succeeded; another is refused with 409."""

    still_due: StillDueEntry
    """Whom to ask, before each attempt, whether it still has to be paid."""

    soft: Annotated[tuple[Decline, ...], NotEmpty]
    """Declines after which it is tried again. Anything else is none of them."""

    never: tuple[Decline, ...] = ()
    """Declines after which neither it nor anything else is tried again with this payment method, beside those that card
    networks forbid to try again."""

    after: Annotated[tuple[Pause, ...], NotEmpty] | GrowingEntry = (86400.0, 3 * 86400.0, 5 * 86400.0, 7 * 86400.0)
    """The pauses before the attempts, each from the decline before; or `{first, most}` for pauses that double."""

    jitter: Annotated[float, Field(ge=0, le=1)] = 0.1
    """By which share a pause is longer at most, drawn at random."""

    for_: Annotated[Duration, Field(gt=0, le=WINDOW, alias="for")] = WINDOW
    """How long after the first decline the last attempt may begin."""

    most_per_reference: Most = 5
    """How many payments of a reference may be declined, or open, in 30 days, the first included."""

    most_per_card: Most = CEILING
    """How many with the same stored payment method, of any reference."""

    headers: Mapping[HeaderName, SecretRef] = Field(default_factory=dict)
    """Credentials for the attempts, by reference: a caller's own are never stored."""

    @model_validator(mode="after")
    def _can_come_to_an_attempt(self) -> Self:
        first = self.after.first if isinstance(self.after, GrowingEntry) else self.after[0]
        if first * (1 + self.jitter) > self.for_:
            raise ValueError("the first pause, with its jitter, is longer than `for`: there may be no attempt")
        for each in self.soft:
            if isinstance(each, AnswerEntry) and each.code is None and not each.value:
                raise ValueError("a soft decline is told by its code or a value: a status alone says nothing of why")
            code = each if isinstance(each, str) else each.code
            if code is not None and forbidden(code):
                raise ValueError(f"{code} is no soft decline: card networks forbid to try it again")
        return self
