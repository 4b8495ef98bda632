"""The core component ``forwarding``: what was accepted while its upstream was away is sent when it is back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from gateway.control.driving import LONGEST, drive
from gateway.dataplane.forwarding import Forwarder
from gateway.dataplane.snapshot import Snapshot
from gateway.ledger.protocol import Ledger
from gateway.parts import Component, Config, Job, Scope

EVERY = 1.0

EXPIRED = 10.0
"""Seconds between two looks for what waited too long, also where no route accepts any more."""


class ForwardingScope(Scope, Protocol):
    """What the core lends to its own parts besides."""

    @property
    def records(self) -> Ledger | None: ...

    def serving(self) -> Snapshot: ...


class Forwarding(Component[Config]):
    """Runs the forwarder, where a route of the policy in force accepts payments, and holds that policy meanwhile."""

    name = "forwarding"

    def __init__(self, config: Config, scope: Scope) -> None:
        super().__init__(config, scope)
        self._scope = cast("ForwardingScope", scope)

    def jobs(self) -> Sequence[Job]:
        if self._scope.records is None:
            return ()
        return Job("send", self.send, EVERY, timeout=LONGEST), Job("expire", self.expire, EXPIRED)

    async def expire(self) -> None:
        await self._forwarder().expire()

    async def send(self) -> None:
        await drive(self._forwarder(), self._scope.serving(), lambda route: route.later)

    def _forwarder(self) -> Forwarder:
        return Forwarder(self.scope.ledger, self.scope.event, self.scope.audit)
