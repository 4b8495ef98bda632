"""Recording: from a route's entries to what records its payments."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.control.policy import OutcomeEntry
from gateway.dataplane.outcomes import Outcomes, Rule


def outcomes_of(entries: Iterable[OutcomeEntry]) -> Outcomes:
    return Outcomes([_rule(entry) for entry in entries])


def _rule(entry: OutcomeEntry) -> Rule:
    status = entry.status
    statuses = frozenset(() if status is None else (status,) if isinstance(status, int) else status)
    return Rule(entry.outcome, statuses, dict(entry.header), dict(entry.value), entry.code)
