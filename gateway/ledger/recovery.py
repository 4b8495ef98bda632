"""Recovery: whoever knows is asked what became of payments in doubt, until that is known or a human must decide."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol, cast

import structlog
from pydantic import BeforeValidator, Field, model_serializer

from gateway.ledger.asking import Asking, Pace, Told, Watch
from gateway.ledger.evidence import OPEN, LookUps, Verdict, judge
from gateway.ledger.protocol import Ledger
from gateway.ledger.records import SETTLED, Evidence, Record, State
from gateway.ledger.settling import Backoff, Settling
from gateway.ledger.trail import Masks
from gateway.parts import Check, Component, Config, Job, Resolver, Scope
from gateway.units import Duration

log = structlog.get_logger("payguard.recovery")

RUN = 30.0
"""Seconds after which a run begins no further batch: the next one goes on, with the policy that is in force then."""

MARGIN = 10.0
"""Seconds of a lease beyond what asking takes at most, for the ledger."""

RUNS_MISSED = 3
"""Intervals without a run that has ended well, after which recovery is not well."""


def _entry(given: Any) -> Any:
    match given:
        case str():
            return {"name": given}
        case dict() if len(given) == 1:
            [(name, options)] = given.items()
            return {"name": name, "options": {} if options is None else options}
        case ResolverEntry():
            return given
        case _:
            raise ValueError("write `- name` or `- name: {option: value}`")


class ResolverEntry(Config):
    """A resolver: ``- name`` or ``- name: {option: value}``.  ``options`` are checked against its own Config."""

    name: str
    options: Mapping[str, Any] = Field(default_factory=dict)

    @model_serializer
    def _written(self) -> str | dict[str, Any]:
        """As in a policy."""
        return {self.name: dict(self.options)} if self.options else self.name


WrittenResolver = Annotated[ResolverEntry, BeforeValidator(_entry)]


class BackoffConfig(Config):
    """The pause before the next question is drawn from 0 to ``first``, which doubles with each, up to ``most``."""

    first: Duration = 5.0
    """The longest pause before the second question."""

    most: Duration = 3600.0
    """The longest pause at all."""


class RecoveryConfig(Config):
    """How payments in doubt are followed."""

    stuck_after: Duration = 60.0
    """How long after an answer that does not settle it a payment is asked after."""

    every: Annotated[Duration, Field(ge=0.01)] = 5.0
    """How often the ledger is looked through for payments that are due."""

    batch: Annotated[int, Field(ge=1, le=1000)] = 20
    """How many payments are asked after at once."""

    rate: Annotated[float, Field(gt=0)] = 20.0
    """The most questions in a second, of this gateway to all resolvers together."""

    timeout: Annotated[Duration, Field(gt=0)] = 15.0
    """How long a resolver may take.  One that takes longer could not be asked."""

    attempts: Annotated[int, Field(ge=1)] = 50
    """How often a payment is asked after; then a human must decide."""

    backoff: BackoffConfig = BackoffConfig()
    """The pauses between, drawn at random."""

    resolvers: tuple[WrittenResolver, ...] = ()
    """Whom to ask, in this order; the next one only where those before could not tell."""


class Times(Protocol):
    @property
    def total(self) -> float:
        """Seconds for which an owner may begin to send."""


class Declared(Protocol):
    """What a policy says of an upstream."""

    @property
    def look_up(self) -> LookUps: ...

    @property
    def timeouts(self) -> Times: ...


class Serving(Protocol):
    """The policy in force; what was entered stays open until it is left."""

    @property
    def resolvers(self) -> Sequence[Resolver[Any]]: ...

    def declared(self, upstream: str) -> Declared | None:
        """What the policy says of the upstream of this name; None where it has none."""

    def enter(self) -> None: ...

    def leave(self) -> None: ...


class CoreScope(Scope, Protocol):
    """What the core lends to its own parts besides."""

    @property
    def records(self) -> Ledger | None:
        """None in a process that keeps none, such as a check of a policy."""

    @property
    def masks(self) -> Masks: ...

    def serving(self) -> Serving: ...


class Recovery(Component[RecoveryConfig]):
    """Takes up payments that were sent by who was lost, are pending or in doubt, and asks the policy's resolvers.

    Each is taken up under a lease, so that two gateways do not ask at once.  What evidence makes certain is written;
    else it is asked for again, and after the last time it is ``unresolved``, with the event ``payment_unresolved``.
    """

    name = "recovery"
    Config = RecoveryConfig

    def __init__(self, config: RecoveryConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self._scope = cast("CoreScope", scope)
        self.told = Told()
        self._watch = Watch()
        self._asking = Asking(Pace(config.rate), config.timeout, self.told)
        self._settling = Settling(
            config.attempts,
            Backoff(config.backoff.first, config.backoff.most),
            masks=self._scope.masks,
            now=scope.clock.now,
            event=scope.event,
            audit=scope.audit,
        )
        self._ended = scope.clock.monotonic()
        self._unresolved = 0

    @property
    def results(self) -> Counter[str]:
        """How many payments came to which state, or were postponed."""
        return self._settling.results

    def jobs(self) -> Sequence[Job]:
        if self._scope.records is None:
            return ()
        timeout = RUN + 2 * self._lease(len(self.config.resolvers))
        return (Job("ask", self.run, self.config.every, timeout=timeout),)

    def checks(self) -> Sequence[Check]:
        return () if self._scope.records is None else (Check("runs", self._check),)

    async def run(self) -> None:
        """Ask after all that is due; the policy in force is held open meanwhile."""
        clock, ledger, serving = self.scope.clock, self.scope.ledger, self._scope.serving()
        until = clock.monotonic() + RUN
        serving.enter()
        try:
            more = True
            while more and clock.monotonic() < until:
                lease = self._lease(len(serving.resolvers))
                records = await ledger.take_due(self.config.batch, lease)
                await self._all(records, serving, lease)
                more = len(records) == self.config.batch
        finally:
            serving.leave()
        self._unresolved = (await ledger.counts()).get(State.UNRESOLVED, 0)
        self._ended = clock.monotonic()

    def _lease(self, resolvers: int) -> float:
        """Seconds that asking all of them of a batch takes at most."""
        return resolvers * (self.config.timeout + self.config.batch / self.config.rate) + MARGIN

    async def _all(self, records: Sequence[Record], serving: Serving, lease: float) -> None:
        """Of all at once; that one of them fails costs the others nothing."""
        ended = await asyncio.gather(*(self._one(record, serving, lease) for record in records), return_exceptions=True)
        failures = [each for each in ended if isinstance(each, Exception)]
        for failure in failures:
            log.error("a payment could not be asked after", exc_info=failure)
        if failures:
            raise failures[0]

    async def _one(self, record: Record, serving: Serving, lease: float) -> None:
        declared = serving.declared(record.upstream)
        look_up, now = None, 0.0
        if declared is not None:
            look_up, now = declared.look_up, self._sure(record, lease, declared.timeouts.total)
        evidence: list[Evidence] = []

        def judged(record: Record) -> Verdict:
            self._watch.seconds(record)  # sending it again has changed hands: from now on, not from the next question
            if not evidence and record.state not in SETTLED:
                return Verdict(State.UNRESOLVED, "nobody_to_ask")
            return judge(record, evidence, look_up=look_up, now=now)

        def enough(found: Sequence[Evidence]) -> bool:
            evidence[:] = found
            return judged(record).state is not None

        evidence[:] = await self._asking.ask(record, serving.resolvers, enough)
        state = await self._settling.write(self.scope.ledger, record, evidence, judged)
        if state not in OPEN:
            self._watch.forget(record.id)

    def _sure(self, record: Record, lease: float, total: float) -> float:
        """What the database's clock says at least: no more of it has passed than this process has lived through.

        The owner of a lease may begin to send for ``total`` seconds, by its own clock.
        """
        assert record.due_at is not None
        taken = record.due_at - lease
        watched = self._watch.seconds(record) - total
        return taken if record.lease_until is None else min(taken, record.lease_until + watched)

    async def _check(self) -> str:
        silent = self.scope.clock.monotonic() - self._ended
        if silent > RUNS_MISSED * self.config.every + RUN:
            raise RuntimeError(f"payments in doubt were last asked after {silent:.0f} s ago")
        return f"{self._unresolved} unresolved payments wait for a human"
