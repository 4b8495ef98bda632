"""The core component ``retries``: declined payments are tried again, where their route declares that they may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol, cast

from pydantic import Field

from gateway.control.driving import LONGEST, drive
from gateway.dataplane.retrying import Pace, Retrier
from gateway.dataplane.snapshot import Snapshot
from gateway.ledger.protocol import Ledger
from gateway.ledger.recovery import BackoffConfig
from gateway.ledger.schedules import Phase
from gateway.ledger.settling import Backoff
from gateway.parts import Component, Config, Job, Scope
from gateway.units import Duration

COUNTED = 5.0
"""Seconds between two looks at how many there are."""

EXPIRED = 60.0
PRUNED = 60.0
"""Also where no route tries anything again any more."""

BATCH = 500


class RetriesConfig(Config):
    """How schedules are worked off.  When a payment is tried again, its route says."""

    every: Annotated[Duration, Field(ge=0.01)] = 10.0
    """How often the ledger is looked through for attempts that are due."""

    rate: Annotated[float, Field(gt=0, le=1000)] = 5.0
    """How many attempts a second this gateway makes, at most."""

    follow: Annotated[Duration, Field(gt=0)] = 60.0
    """How often an attempt whose outcome is not known is looked after. Until it is, there is no other."""

    backoff: BackoffConfig = BackoffConfig.model_validate({"first": "1m", "most": "6h"})
    """The pauses where it came to no attempt: nobody could say whether it is still due, or nothing could be sent."""


class RetriesScope(Scope, Protocol):
    """What the core lends to its own parts besides."""

    @property
    def records(self) -> Ledger | None: ...

    def serving(self) -> Snapshot: ...


class Retries(Component[RetriesConfig]):
    """Runs the retrier, where a route of the policy in force has ``scheduled_retry``, and counts."""

    name = "retries"
    Config = RetriesConfig

    def __init__(self, config: RetriesConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self._scope = cast("RetriesScope", scope)
        self._counts: Mapping[Phase, int] = {}

    @property
    def counts(self) -> Mapping[Phase, int]:
        """How many schedules are in each phase that is not the last, at the last look."""
        return self._counts

    @property
    def results(self) -> Counter[str]:
        """What this process has written of schedules."""
        return Counter() if self._scope.records is None else self._scope.records.schedules.results

    def jobs(self) -> Sequence[Job]:
        if self._scope.records is None:
            return ()
        return (
            Job("try", self.run, self.config.every, timeout=LONGEST),
            Job("expire", self.expire, EXPIRED),
            Job("count", self.count, COUNTED),
            Job("prune", self.prune, PRUNED),
        )

    async def run(self) -> None:
        await drive(self._retrier(), self._scope.serving(), lambda route: route.retrying)

    async def expire(self) -> None:
        await self._retrier().expire()

    def _retrier(self) -> Retrier:
        config = self.config
        pace = Pace(config.rate, config.follow, Backoff(config.backoff.first, config.backoff.most))
        return Retrier(self.scope.ledger, self.scope.event, pace)

    async def count(self) -> None:
        self._counts = await self.scope.ledger.schedules.counts()

    async def prune(self) -> None:
        while await self.scope.ledger.schedules.prune(BATCH) == BATCH:
            pass
