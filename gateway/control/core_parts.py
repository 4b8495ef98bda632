"""The core's own parts: a policy may name them as it names those of plugins, and no plugin may take their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.audit.protocol import Auditor
from gateway.control.auditing import Audit
from gateway.control.forwarding import Forwarding
from gateway.control.retries import Retries
from gateway.control.scope import PartScope, Services
from gateway.control.sharing import Lease
from gateway.dataplane.resending import Resending
from gateway.dataplane.snapshot import Snapshot
from gateway.ledger.keeping import Keeping
from gateway.ledger.protocol import Ledger
from gateway.ledger.recovery import Recovery
from gateway.ledger.replay import Replay
from gateway.ledger.trail import Masks
from gateway.parts import Component, Part, Resolver

COMPONENTS: tuple[type[Component[Any]], ...] = (Keeping, Recovery, Forwarding, Retries, Audit)
"""In every snapshot, whether its policy names them or not."""

RESOLVERS: tuple[type[Resolver[Any]], ...] = (Replay,)

NAMES = frozenset(kind.name for kind in (*COMPONENTS, *RESOLVERS))


class CoreScope(PartScope):
    """What the core lends to its own parts besides what it lends to all."""

    def __init__(
        self,
        services: Services,
        lease: Lease,
        kind: type[Part[Any]],
        *,
        resending: Callable[[], Resending | None],
        **lent: Any,
    ) -> None:
        super().__init__(services, lease, kind, **lent)
        self._resending = resending

    @property
    def records(self) -> Ledger | None:
        return self._services.ledger

    @property
    def masks(self) -> Masks:
        return self._services.masks

    @property
    def auditor(self) -> Auditor:
        return self._services.audit

    def serving(self) -> Snapshot:
        """The policy in force: not always the one that this part belongs to."""
        if self._services.active is None:
            raise RuntimeError("no policy serves in this process")
        return self._services.active()

    @property
    def resending(self) -> Resending:
        """By the policy that this part belongs to."""
        found = self._resending()
        if found is None:
            raise RuntimeError("this process has no ledger")
        return found


def part_scope(
    services: Services,
    lease: Lease,
    kind: type[Part[Any]],
    *,
    resending: Callable[[], Resending | None] = lambda: None,
    **lent: Any,
) -> PartScope:
    """What a part of this class is lent."""
    if kind in COMPONENTS or kind in RESOLVERS:
        return CoreScope(services, lease, kind, resending=resending, **lent)
    return PartScope(services, lease, kind, **lent)
