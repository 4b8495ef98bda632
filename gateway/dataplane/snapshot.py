"""The snapshot: a compiled policy, immutable, replaced as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from gateway.dataplane.acceptance import Limits
from gateway.dataplane.chain import Chain
from gateway.dataplane.router import Match, Router
from gateway.dataplane.scheduling import Retrying
from gateway.dataplane.upstream import Upstream
from gateway.exchange import Exchange
from gateway.ledger.bodies import Bodies
from gateway.parts import Component, Part, Resolver


@dataclass(frozen=True, slots=True)
class Route:
    """A match, its filters, its upstream.

    ``operation`` is the payment's, where the route has payment facts.  ``later`` is what runs a payment that the route
    accepted earlier, where it accepts any: of the filters below the one that claims, those that say ``reruns``;
    ``retrying`` the same of a payment that is tried again, and whom to ask before.
    """

    name: str
    match: Match
    chain: Chain
    operation: str | None = None
    later: Later | None = None
    retrying: Retrying | None = None


@dataclass(frozen=True, slots=True)
class Later:
    chain: Chain
    limits: Limits
    bodies: Bodies


class Snapshot:
    """What one policy was compiled to, and the exchanges that still run on it.

    ``parts`` are opened in order and closed in reverse; ``releases`` give back what is shared between snapshots, after
    the parts are closed.  ``observers`` are told of each exchange after it has ended.  ``components`` are those that
    the policy has in the process; what opens and closes them is among ``parts`` and ``releases``, and so it is with
    what ``upstreams`` stand on.  ``own`` are routes of the gateway's own, which no policy names.  ``resolvers`` are
    asked in their order.  ``description`` is what the policy says, every default written out.
    """

    def __init__(
        self,
        digest: str,
        routes: Sequence[Route],
        parts: Sequence[Part[Any]] = (),
        observers: Sequence[Callable[[Exchange], None]] = (),
        releases: Sequence[Callable[[], Awaitable[None]]] = (),
        *,
        components: Sequence[Component[Any]] = (),
        upstreams: Sequence[Upstream] = (),
        own: Sequence[Route] = (),
        resolvers: Sequence[Resolver[Any]] = (),
        description: Mapping[str, Any] | None = None,
    ) -> None:
        self.digest = digest
        self.description = description or {}
        self.resolvers = tuple(resolvers)
        self.components = tuple(components)
        self.upstreams = tuple(upstreams)
        self.routes = tuple(routes)
        self.router = Router(self.routes, own)
        self.observers = tuple(observers)
        self.in_flight = 0
        self._declared = {upstream.name: upstream for upstream in self.upstreams}
        self._parts = tuple(parts)
        self._releases = tuple(releases)
        self._retired: asyncio.Event | None = None
        self._closing = AsyncExitStack()

    def declared(self, upstream: str) -> Upstream | None:
        """The upstream of this name; None where the policy has none."""
        return self._declared.get(upstream)

    def enter(self) -> None:
        self.in_flight += 1

    def leave(self) -> None:
        self.in_flight -= 1
        if self._retired is not None and not self.in_flight:
            self._retired.set()

    async def open(self) -> None:
        """Open every part; where one fails, close those that were opened, and raise."""
        async with AsyncExitStack() as opened:
            for release in self._releases:
                opened.push_async_callback(release)
            for part in self._parts:
                opened.push_async_callback(part.close)
                await _open(part)
            self._closing = opened.pop_all()

    async def drained(self) -> None:
        """Until no exchange runs on it.  Call it once it no longer serves new ones."""
        self._retired = asyncio.Event()
        if self.in_flight:
            await self._retired.wait()

    async def close(self) -> None:
        await self._closing.aclose()


async def _open(part: Part[Any]) -> None:
    try:
        await part.open()
    except Exception as error:
        error.add_note(f"{part.name} did not open")
        raise


@dataclass(slots=True)
class Active:
    """The one reference that the data plane reads, once per exchange, and the reloader assigns."""

    snapshot: Snapshot
