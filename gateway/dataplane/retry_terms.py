"""What a route declares of payments that are tried again, and what a request says of it.  Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import uniform
from typing import Any

from gateway.dataplane.declines import Declines
from gateway.dataplane.payment import InvalidPayment
from gateway.ledger.schedules import Caps
from gateway.ledger.settling import Backoff
from gateway.look_ups import as_text
from gateway.pointer import MISSING, follow

LONGEST = 255

_CARD = re.compile(r"[0-9]{12,19}")


@dataclass(frozen=True, slots=True)
class Pauses:
    """Before each attempt, in seconds: ``steps``, and after them, up to ``most``, twice the one before each time.

    Each is longer by a share of up to ``jitter``.  Without ``most`` there is none after the steps.
    """

    steps: Sequence[float]
    most: float | None = None
    jitter: float = 0.0

    def after(self, declined: int) -> float | None:
        """After so many attempts of the gateway's own were declined; None where there is no other attempt."""
        if declined < len(self.steps):
            pause = self.steps[declined]
        elif self.most is None:
            return None
        else:
            pause = min(self.most, self.steps[-1] * 2.0 ** min(declined - len(self.steps) + 1, 60))
        return pause * uniform(1, 1 + self.jitter)  # noqa: S311 - spreads load, guards nothing


@dataclass(frozen=True, slots=True)
class RetryTerms:
    """What a route declares of payments that are tried again.  The first three are JSON pointers, parsed."""

    reference: tuple[str, ...]
    method: tuple[str, ...]
    consent: Sequence[tuple[tuple[str, ...], str]]
    tenant: str
    declines: Declines
    pauses: Pauses
    within: float
    caps: Caps
    headers: Mapping[str, str]
    backoff: Backoff
    """How long until it is looked at again where it came to no attempt."""


@dataclass(frozen=True, slots=True)
class Said:
    """A fact: what a request says that it pays for and by which stored method, and whether the payer agreed."""

    reference: str | None
    method: str | None
    consented: bool


def read(terms: RetryTerms, document: Any) -> Said:
    reference, method = follow(document, terms.reference), follow(document, terms.method)
    consented = all(as_text(follow(document, tokens)) == value for tokens, value in terms.consent)
    return Said(_reference(reference, terms), _method(method), consented)


def _reference(value: Any, terms: RetryTerms) -> str | None:
    """None where there is none: then it is paid as on any other route, and never tried again."""
    if value is MISSING or value is None:
        return None
    text = as_text(value)
    if text is None or isinstance(value, bool) or not 1 <= len(text) <= LONGEST:
        raise InvalidPayment(
            f"The reference is a text of 1 to {LONGEST} characters, or an integer",
            pointer="/" + "/".join(terms.reference),
        )
    return text


def _method(value: Any) -> str | None:
    """A name that the processor gave; a card's number is none."""
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST:
        return None
    return None if _CARD.fullmatch(value.replace(" ", "").replace("-", "")) else value
