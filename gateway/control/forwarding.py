"""The core component ``forwarding``: what was accepted while its upstream was away is sent when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol, cast

from gateway.dataplane.forwarding import Forwarder
from gateway.dataplane.snapshot import Snapshot
from gateway.ledger.protocol import Ledger
from gateway.parts import Component, Config, Job, Scope

EVERY = 1.0

EXPIRED = 10.0
"""Seconds between two looks for what waited too long, also where no route accepts any more."""

RUN = 10.0
"""Seconds after which a run takes up no other payment: the next one goes on, with the policy that serves then."""

LONGEST = 600.0
"""Seconds that a run may take."""

STOPS_WITHIN = 4.0
"""Seconds that the payment under way has to end where the gateway stops."""


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
        serving = self._scope.serving()
        if all(route.later is None for route in serving.routes):
            return
        serving.enter()
        try:
            await self._send(serving)
        finally:
            serving.leave()

    async def _send(self, serving: Snapshot) -> None:
        """What is under way when it is cancelled has a while to end: broken off, it would be in doubt."""
        forwarder = self._forwarder()
        sending = asyncio.ensure_future(forwarder.run(serving.routes, serving.observers))
        end = asyncio.get_running_loop().call_later(RUN, forwarder.stop)
        try:
            await asyncio.shield(sending)
        finally:
            end.cancel()
            forwarder.stop()
            if not sending.done():
                await asyncio.wait([sending], timeout=STOPS_WITHIN)
                sending.cancel()

    def _forwarder(self) -> Forwarder:
        return Forwarder(self.scope.ledger, self.scope.event)
