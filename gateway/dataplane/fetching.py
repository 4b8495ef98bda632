"""Fetching: a safe request that the gateway makes itself, through a route's filters, guards and upstream."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from time import monotonic

from gateway.dataplane.chain import Chain
from gateway.dataplane.headers import forwarding
from gateway.dataplane.rebuilt import end
from gateway.dataplane.snapshot import Route, Snapshot
from gateway.exchange import SAFE_METHODS, Exchange
from gateway.fields import Pieces, pieces_of
from gateway.ids import request_id
from gateway.messages import Received, Request, Response
from gateway.trace import continue_or_begin

AT_ONCE = 16
"""Fetches of a process that are under way together; the others wait."""

LARGEST = 16 << 20
"""Bytes of an answer's body; a filter that keeps answers has a bound of its own."""

_PEER = "127.0.0.1"


class Fetches:
    """Makes them under the policy in force, which is held open meanwhile.

    ``counts`` are by route and result, success or failure: clients' metrics and log lines know nothing of them.
    """

    def __init__(self, active: Callable[[], Snapshot]) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._active = active
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, request: Request, *, at: str, facts: Iterable[object], within: float) -> Response:
        """The answer as the filter ``at`` passes it up, its body whole, ``within`` seconds from its turn.

        Filters above that one do not run: ``facts`` are what they would have put.  ValueError for an unsafe method, and
        where the route that takes it has no such filter; RouteNotFound where none does; TimeoutError.
        """
        if request.method not in SAFE_METHODS:
            raise ValueError(f"{request.method} is not safe: nothing but a client's request may make it")
        snapshot = self._active()
        host = request.headers.get("host", "")
        route, params = snapshot.router.find(request.method, request.path, _name(host), request.headers)
        started = route.chain.starting_at(at)
        if started is None:
            raise ValueError(f"the route {route.name} has no filter {at}")
        async with self._turns:
            snapshot.enter()
            try:
                exchange, (chain, exchange.steps) = _exchange(request, host, facts), started
                exchange.route, exchange.operation, exchange.params = route.name, route.operation, params
                return await self._run(exchange, chain, route, within)
            finally:
                snapshot.leave()

    async def _run(self, exchange: Exchange, chain: Chain, route: Route, within: float) -> Response:
        result = "failure"
        try:
            async with asyncio.timeout(within):
                await chain(exchange)
                await exchange.answer.body.buffer(LARGEST)
            result = "success" if exchange.answer.status < 500 else "failure"
            return exchange.answer
        finally:
            self.counts[route.name, result] += 1
            await end(exchange, ())


def _name(host: str) -> str:
    """Without its port, in small letters, as a route compares it."""
    name, _, port = host.rpartition(":")
    return (name if port.isdecimal() and name else host).lower()


def _exchange(request: Request, host: str, facts: Iterable[object]) -> Exchange:
    raw = [(name.lower(), value) for name, value in request.headers.raw]
    target = f"{request.path}?{request.query}" if request.query else request.path
    received = Received(request.method, target.encode(), tuple(raw), request.body, _PEER, _PEER, "http")
    identifier, trace = request_id(), continue_or_begin(None, 0)
    pieces: Pieces = pieces_of(raw)
    pieces += forwarding(raw, peer=_PEER, scheme="http", host=host.encode("latin-1"), trusted=False)
    pieces += pieces_of([(b"traceparent", trace.traceparent), (b"x-request-id", identifier.encode())])
    sent = Request(request.method, request.path, query=request.query, body=request.body, pieces=pieces)
    exchange = Exchange(identifier, received, sent, trace, monotonic())
    for fact in facts:
        exchange.put(fact)
    return exchange
