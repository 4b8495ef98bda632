"""Advice: what looks wrong in a policy whose payments somebody should be able to ask after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.control.placing import Placed
from gateway.control.policy import Policy
from gateway.control.problems import Path
from gateway.credentials import Credentials
from gateway.ledger.replay import Replay


def unrecoverable(policy: Policy, resolvers: Sequence[Placed], *, sealed: bool) -> Iterator[tuple[Path, str]]:
    """What recovery cannot do, and where that stands.  ``sealed``: whether requests can be kept, to be sent again."""
    if not resolvers:
        for number, route in enumerate(policy.routes):
            if route.payment is not None:
                yield ("routes", number, "payment"), _NOBODY
    for each in resolvers:
        if each.kind is not Replay:
            continue
        if all(upstream.idempotent is None for upstream in policy.upstreams.values()):
            yield each.path, "sends nothing: no upstream is `idempotent`, so none may be sent to again"
        elif not sealed:
            yield each.path, "sends nothing: without an ENCRYPTION_KEY no request is kept"
        if isinstance(each.config, Credentials):
            keys = {upstream.idempotent.header.lower() for upstream in policy.upstreams.values() if upstream.idempotent}
            for name in sorted(keys.intersection(each.config.headers)):
                yield (*each.path, "headers", name), "is no credential: it holds the key, which goes out as it did"


def unschedulable(policy: Policy, *, sealed: bool) -> Iterator[tuple[Path, str]]:
    """Routes that can plan no other attempt, and where that stands."""
    if sealed:
        return
    for number, route in enumerate(policy.routes):
        if route.scheduled_retry is not None:
            where = ("routes", number, "scheduled_retry")
            yield where, "tries nothing again: without an ENCRYPTION_KEY no request is kept"


_NOBODY = (
    "has nobody to ask: a payment that is in doubt waits for a human; "
    "name resolvers under components.recovery, such as status_url"
)
