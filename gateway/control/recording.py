"""Recording: from a route's entries to what records its payments."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from gateway.control.policy import OutcomeEntry, Policy, RouteEntry
from gateway.control.scope import Services
from gateway.dataplane.outcomes import Outcomes, Rule
from gateway.dataplane.recorder import Means, Recorder, Terms
from gateway.dataplane.upstream import Upstream
from gateway.ledger.bodies import Bodies


class Recording:
    """The recorders of one policy's routes.  ``None`` of a process without a ledger: then nothing is recorded."""

    def __init__(self, services: Services, policy: Policy, digest: str) -> None:
        self._digest = digest
        self._means = _means(services, policy.tenant)

    def of(self, route: RouteEntry, upstream: Upstream) -> Recorder | None:
        """What records the payments of this route, and what is claimed there; None where there is no ledger."""
        if self._means is None:
            return None
        operation = "request" if route.payment is None else route.payment.operation
        terms = Terms(route.name, operation, self._digest)
        return Recorder(terms, self._means, upstream, outcomes_of(route.outcomes), buffer=route.buffer)


def _means(services: Services, tenant: str) -> Means | None:
    if services.ledger is None:
        return None
    return Means(
        services.ledger,
        services.late,
        Bodies(services.keyring, tenant),
        services.masks,
        services.salts.hash,
        partial(services.events.tell, source="ledger"),
    )


def outcomes_of(entries: Iterable[OutcomeEntry]) -> Outcomes:
    return Outcomes([_rule(entry) for entry in entries])


def _rule(entry: OutcomeEntry) -> Rule:
    status = entry.status
    statuses = frozenset(() if status is None else (status,) if isinstance(status, int) else status)
    return Rule(entry.outcome, statuses, dict(entry.header), dict(entry.value), entry.code)
