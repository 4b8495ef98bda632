"""Terms: what a route's payments are recorded with, and what the process lends for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from gateway.audit.protocol import UNKEPT, Auditor
from gateway.dataplane.acceptance import Limits
from gateway.holding import Hold
from gateway.ledger.bodies import Bodies
from gateway.ledger.owners import Owners
from gateway.ledger.protocol import Ledger
from gateway.ledger.records import Settlement
from gateway.ledger.trail import Masks


class Late(Protocol):
    def add(self, id: str, epoch: int, settlement: Settlement) -> None:  # noqa: A002
        """Write it once the ledger is back, for as long as this process lives."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a route's payments are recorded with.  Times are seconds.

    ``claim`` is how long a reservation holds; ``grace`` what the lease of a sent payment has beyond the upstream's
    ``total``.  Nothing is sent after a claim, or after ``total``: both are shorter than their lease in the ledger.
    """

    route: str
    operation: str
    policy: str
    keep: float = 90 * 86400.0
    claim: float = 30.0
    grace: float = 10.0
    stuck_after: float = 60.0
    keep_request: bool = False
    at_once: bool = False
    """Whether nothing stands between the claim and the upstream: then it is recorded as sent with its claim."""
    limits: Limits | None = None
    """Of what is accepted while the upstream cannot be reached; None where it is refused."""
    hold: Hold | None = None
    """Of what waits for a reviewer; None where no filter holds any."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the process lends to every recorder."""

    ledger: Ledger
    late: Late
    bodies: Bodies
    masks: Masks
    hash: Callable[[str, str], str]
    owners: Owners
    tell: Callable[..., None] = field(default=lambda *_, **__: None)
    audit: Auditor = UNKEPT
