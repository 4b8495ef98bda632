"""Recording: from a route's entries to what records its payments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from gateway.control.policy import Policy, RouteEntry, WhenUnreachableEntry
from gateway.control.policy_answers import OutcomeEntry
from gateway.control.problems import Path
from gateway.control.retries import RetriesConfig
from gateway.control.retrying import retry_terms
from gateway.control.scope import Services
from gateway.currency import exponent
from gateway.dataplane.acceptance import Limits
from gateway.dataplane.chain import Chain, Mode
from gateway.dataplane.outcomes import Outcomes, Rule
from gateway.dataplane.recorder import NO_PAYMENT, Recorder
from gateway.dataplane.resending import Resending
from gateway.dataplane.scheduling import SchedulingRecorder
from gateway.dataplane.snapshot import Later
from gateway.dataplane.terms import Means, Terms
from gateway.dataplane.upstream import Upstream
from gateway.holding import Hold
from gateway.ledger.bodies import Bodies
from gateway.ledger.keeping import KeepingConfig
from gateway.ledger.recovery import RecoveryConfig
from gateway.ledger.replay import Replay
from gateway.outcomes import Outcome
from gateway.parts import Filter


class Recording:
    """The recorders of one policy's routes.  ``None`` of a process without a ledger: then nothing is recorded."""

    def __init__(
        self,
        services: Services,
        policy: Policy,
        digest: str,
        *,
        keeping: KeepingConfig,
        recovery: RecoveryConfig,
        retries: RetriesConfig | None = None,
    ) -> None:
        self._digest = digest
        self._services = services
        self._policy = policy
        self._keeping = keeping
        self._recovery = recovery
        self._retries = retries or RetriesConfig()
        self._means = _means(services, policy.tenant, keeping)

    def of(self, route: RouteEntry, upstream: Upstream, filters: Sequence[tuple[Filter[Any], Mode]]) -> Recorder | None:
        """What records the payments of this route, and what is claimed there; None where there is no ledger."""
        if self._means is None:
            return None
        operation = NO_PAYMENT if route.payment is None else route.payment.operation
        asking = [part for part, mode in filters if mode == "enforce" and _asks(part)]
        keeps = self._replays and upstream.idempotent is not None and any(part.reserves for part, _ in filters)
        at_once = route.when_unreachable == "refuse" and not keeps and bool(asking) and asking[-1].reserves
        limits = self._limits(route.when_unreachable)
        terms = Terms(
            route.name,
            operation,
            self._digest,
            keep=self._keeping.retention,
            claim=self._keeping.claim,
            grace=self._keeping.grace,
            stuck_after=self._recovery.stuck_after,
            keep_request=keeps,
            at_once=at_once,
            limits=limits,
            hold=_hold(filters, limits),
        )
        given = terms, self._means, upstream, outcomes_of(route.outcomes)
        if route.scheduled_retry is None:
            return Recorder(*given, buffer=route.buffer)
        retry = retry_terms(route.scheduled_retry, self._policy.tenant, self._retries, self._services)
        return SchedulingRecorder(*given, buffer=route.buffer, retry=retry)

    @property
    def _replays(self) -> bool:
        return any(each.name == Replay.name for each in self._recovery.resolvers)

    def resending(self, upstreams: Mapping[str, Upstream]) -> Resending | None:
        """What sends once more what is kept of this policy's payments; None where there is no ledger."""
        if self._means is None:
            return None
        outcomes = {route.name: outcomes_of(route.outcomes) for route in self._policy.routes}
        return Resending(self._means.bodies, upstreams, outcomes)

    def _limits(self, entry: Literal["refuse"] | WhenUnreachableEntry) -> Limits | None:
        """ValueError where a credential is not to be had."""
        if entry == "refuse":
            return None
        given = entry.accept
        headers = {name.lower(): self._services.secret(reference) for name, reference in given.headers.items()}
        return Limits(given.most, given.for_, given.ceiling, headers, given.rate)


def _means(services: Services, tenant: str, keeping: KeepingConfig) -> Means | None:
    if services.ledger is None:
        return None
    leave_out = [name.encode("ascii") for name in keeping.bodies.leave_out]
    return Means(
        services.ledger,
        services.late,
        Bodies(services.keyring, tenant, keeping.bodies.most, leave_out=leave_out),
        services.masks,
        services.salts.hash,
        services.owners,
        partial(services.events.tell, source="ledger"),
        services.audit,
    )


def _asks(part: Filter[Any]) -> bool:
    """Whether it may still keep a request from being sent."""
    return type(part).on_request is not Filter.on_request


def _hold(filters: Sequence[tuple[Filter[Any], Mode]], limits: Limits | None) -> Hold | None:
    """Also with what the route says of payments that are sent later: both are sent by the same."""
    hold = next((part.holds for part, mode in filters if mode == "enforce" and part.holds is not None), None)
    if hold is None or limits is None:
        return hold
    return replace(hold, headers={**hold.headers, **limits.headers}, rate=limits.rate)


def later_of(
    filters: Sequence[tuple[Filter[Any], Mode]], upstream: Upstream, recorder: Recorder | None, buffer: int
) -> Later | None:
    """What runs what a route accepted or held; None where it does neither."""
    if recorder is None or (recorder.limits is None and recorder.holding is None):
        return None
    kept = recorder.holding or recorder.limits
    assert kept is not None
    claims = next(number for number, (part, _) in enumerate(filters) if part.reserves)
    below = [(part, mode) for part, mode in filters[claims + 1 :] if part.reruns]
    chain = Chain(below, upstream, buffer=buffer, recorder=recorder)
    return Later(chain, kept.headers, kept.rate, recorder.bodies)


def unacceptable(
    route: RouteEntry, filters: Iterable[Filter[Any]], secret: Callable[[str], str]
) -> Iterator[tuple[Path, str]]:
    """Why a route cannot accept payments as its ``when_unreachable`` says, and where in that this stands."""
    if route.when_unreachable == "refuse":
        return
    accept = route.when_unreachable.accept
    if route.payment is None or route.payment.amount is None:
        yield ("accept",), "is of payments whose amount is known: give the route a payment with an amount"
    elif not any(part.reserves for part in filters):
        yield ("accept",), "needs a filter that claims requests, such as idempotency: else a repeat is another payment"
    for currency in accept.ceiling:
        if route.payment is not None and exponent(currency, route.payment.exponents) is None:
            yield ("accept", "ceiling", currency), f"is no currency of {route.payment.exponents}"
    for name, reference in accept.headers.items():
        try:
            secret(reference)
        except ValueError as error:
            yield ("accept", "headers", name), str(error)


def outcomes_of(entries: Iterable[OutcomeEntry]) -> Outcomes:
    return Outcomes([_rule(entry) for entry in entries])


def _rule(entry: OutcomeEntry) -> Rule:
    status = entry.status
    statuses = frozenset(() if status is None else (status,) if isinstance(status, int) else status)
    return Rule(Outcome(entry.outcome), statuses, dict(entry.header), dict(entry.value), entry.code)
