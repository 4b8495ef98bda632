"""From a route's ``scheduled_retry`` to what plans and makes the attempts, and why it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from gateway.control.draft import RouteDraft, UpstreamDraft
from gateway.control.policy import RouteEntry
from gateway.control.policy_retries import Decline, GrowingEntry, ScheduledRetryEntry, StillDueEntry
from gateway.control.problems import Path
from gateway.control.retries import RetriesConfig
from gateway.control.scope import Services
from gateway.dataplane.chain import Chain, Mode
from gateway.dataplane.declines import Declines, decline_rule
from gateway.dataplane.outcomes import Rule
from gateway.dataplane.recorder import Recorder
from gateway.dataplane.retry_terms import Pauses, RetryTerms
from gateway.dataplane.scheduling import Retrying, SchedulingRecorder
from gateway.dataplane.still_due import StillDue
from gateway.dataplane.upstream import Upstream
from gateway.ledger.schedules import Caps
from gateway.ledger.settling import Backoff
from gateway.parts import Filter
from gateway.pointer import parse


def retry_terms(entry: ScheduledRetryEntry, tenant: str, config: RetriesConfig, services: Services) -> RetryTerms:
    """ValueError where a credential is not to be had."""
    return RetryTerms(
        parse(entry.reference),
        parse(entry.stored_method),
        [(parse(pointer), value) for pointer, value in entry.merchant_initiated.items()],
        tenant,
        Declines([_rule(each) for each in entry.soft], [_rule(each) for each in entry.never]),
        _pauses(entry),
        entry.for_,
        Caps(entry.most_per_reference, entry.most_per_card),
        {name: services.secret(reference) for name, reference in entry.headers.items()},
        Backoff(config.backoff.first, config.backoff.most),
    )


def _pauses(entry: ScheduledRetryEntry) -> Pauses:
    if isinstance(entry.after, GrowingEntry):
        return Pauses((entry.after.first,), entry.after.most, entry.jitter)
    return Pauses(entry.after, None, entry.jitter)


def _rule(decline: Decline) -> Rule:
    if isinstance(decline, str):
        return decline_rule(frozenset(), {}, {}, decline)
    status = decline.status
    statuses = frozenset(() if status is None else (status,) if isinstance(status, int) else status)
    return decline_rule(statuses, dict(decline.header), dict(decline.value), decline.code)


def retrying_of(
    route: RouteEntry,
    filters: Sequence[tuple[Filter[Any], Mode]],
    upstream: Upstream,
    recorder: Recorder | None,
    services: Services,
) -> Retrying | None:
    """What makes a route's attempts; None where it makes none."""
    entry = route.scheduled_retry
    if entry is None or not isinstance(recorder, SchedulingRecorder):
        return None
    claims = next(number for number, (part, _) in enumerate(filters) if part.reserves)
    below = [(part, mode) for part, mode in filters[claims + 1 :] if part.reruns]
    chain = Chain(below, upstream, buffer=route.buffer, recorder=recorder)
    return Retrying(chain, recorder, upstream, _still_due(entry.still_due, services))


def _still_due(entry: StillDueEntry, services: Services) -> StillDue:
    return StillDue(
        entry.url,
        entry.value,
        entry.due,
        entry.not_due,
        entry.fields(services),
        entry.timeout,
        entry.most,
        lambda: services.http,
    )


def unretryable(
    route: RouteDraft, upstreams: Iterable[UpstreamDraft], filters: Iterable[Filter[Any]], secret: Callable[[str], str]
) -> Iterator[tuple[Path, str]]:
    """Why a route's payments cannot be tried again as its ``scheduled_retry`` says, and where in the route it stands.

    Also where other options of it are missing: all that must be declared is said at once.
    """
    if not route.retries:
        return
    if not route.pays or (route.payment is not None and route.payment.amount is None):
        yield (), "is of payments whose amount is known: give the route a payment with an amount"
    if not any(part.reserves for part in filters):
        yield (), "needs a filter that claims requests, such as idempotency: each attempt is a keyed payment"
    upstream = next((each for each in upstreams if each.name == route.upstream), None)
    if upstream is not None and upstream.entry is not None and upstream.entry.idempotent is None:
        yield (), f"needs an idempotent upstream: say how long {upstream.name} executes a key once, as its `idempotent`"
    if route.retry is not None:
        yield from _bad_secrets(route.retry, secret)


def _bad_secrets(entry: ScheduledRetryEntry, secret: Callable[[str], str]) -> Iterator[tuple[Path, str]]:
    named: list[tuple[Path, str]] = [(("headers", name), reference) for name, reference in entry.headers.items()]
    asking = entry.still_due
    named += [(("still_due", "headers", name), reference) for name, reference in asking.headers.items()]
    named += [(("still_due", "bearer"), asking.bearer)] if asking.bearer is not None else []
    for path, reference in named:
        try:
            value = secret(reference)
        except ValueError as error:
            yield path, str(error)
        else:
            if not (value.isascii() and value.isprintable()):
                yield path, "the secret has characters that no header can hold"
