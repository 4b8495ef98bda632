"""Keeping: for how long the ledger keeps what, and what looks after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Protocol, cast

from pydantic import Field

from gateway.credentials import HeaderName
from gateway.ledger.bodies import MOST
from gateway.ledger.protocol import Ledger
from gateway.ledger.records import State
from gateway.parts import Component, Config, Job, Scope
from gateway.units import Duration, Size

COUNTED = 5.0
"""Seconds between two looks at what is open."""

FREED = 5.0

RUN = 30.0
"""Seconds after which a run begins no further batch."""


class BodiesConfig(Config):
    """What is kept, sealed, of requests that may have to be sent again and of answers for repeats."""

    most: Size = MOST
    """The largest that is kept, with its headers.  A repeat of what was larger is not answered with its answer."""

    leave_out: tuple[HeaderName, ...] = ()
    """Headers of requests that are never kept, beside authorization, cookie and proxy-authorization."""


class PruneConfig(Config):
    """How what is kept long enough is removed."""

    every: Annotated[Duration, Field(ge=0.01)] = 60.0
    """How often it is looked for."""

    batch: Annotated[int, Field(ge=1, le=10_000)] = 500
    """How many are removed by one statement."""


class KeepingConfig(Config):
    """What is kept of payments, and for how long."""

    retention: Duration = 90 * 86400.0
    """How long a payment is kept once it is settled; never less than its key is recognised.  One that is not settled
    stays."""

    claim: Annotated[Duration, Field(ge=0.1)] = 30.0
    """How long a gateway may take from claiming a payment to sending it."""

    grace: Annotated[Duration, Field(ge=0.1)] = 10.0
    """What a lease in the ledger has beyond the time in which its owner acts: clocks run apart."""

    bodies: BodiesConfig = BodiesConfig()
    """What is kept of requests and answers, where there is an `ENCRYPTION_KEY`."""

    prune: PruneConfig = PruneConfig()
    """How what is kept long enough is removed."""


class KeepingScope(Scope, Protocol):
    """What the core lends to its own parts besides."""

    @property
    def records(self) -> Ledger | None:
        """None in a process that keeps none, such as a check of a policy."""


class Keeping(Component[KeepingConfig]):
    """Looks after the ledger: removes what is kept long enough, frees what was claimed by who was lost, and counts."""

    name = "ledger"
    Config = KeepingConfig

    def __init__(self, config: KeepingConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self._scope = cast("KeepingScope", scope)
        self._counts: Mapping[State, int] = {}
        self._ages: Mapping[State, float] = {}
        self._counted = 0.0

    @property
    def counts(self) -> Mapping[State, int]:
        """How many payments are in each state that is not settled, at the last look; empty before the first."""
        return self._counts

    @property
    def ages(self) -> Mapping[State, float]:
        """For how many seconds the oldest of each has been there; it goes on while nobody can look."""
        since = self.scope.clock.monotonic() - self._counted
        return {state: age + since if age else 0.0 for state, age in self._ages.items()}

    def jobs(self) -> Sequence[Job]:
        if self._scope.records is None:
            return ()
        return (
            Job("free", self.free, FREED),
            Job("prune", self.prune, self.config.prune.every),
            Job("count", self.count, COUNTED),
        )

    async def free(self) -> None:
        """What was claimed in vain, though nobody repeats it: it is released, or waits to be sent as it did before."""
        await self._in_batches(self.scope.ledger.free_expired)

    async def prune(self) -> None:
        await self._in_batches(self.scope.ledger.prune)

    async def count(self) -> None:
        self._counts, self._ages = await self.scope.ledger.counts(), await self.scope.ledger.ages()
        self._counted = self.scope.clock.monotonic()

    async def _in_batches(self, work: Callable[[int], Awaitable[int]]) -> None:
        """Until nothing is left, or for a while: other statements come in between."""
        clock, batch = self.scope.clock, self.config.prune.batch
        until = clock.monotonic() + RUN
        while await work(batch) == batch and clock.monotonic() < until:
            pass
