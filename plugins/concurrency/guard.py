from __future__ import annotations

from collections.abc import Awaitable

from gateway import Attempt, Exchange, Guard, Scope

from .board import Limits, Load
from .decision import refusal, slowness
from .options import ConcurrencyConfig

USUAL = 5
"""The priority of a route that the options do not name."""

QUIET = 60.0
"""Seconds between two events that tell of an overload."""


class Concurrency(Guard[ConcurrencyConfig]):
    """Holds an attempt back while as many are under way as the upstream answers in time.

    503 ``overloaded`` where it waits in vain, or too many wait already; ``Retry-After`` says how long the queue will
    take.  Its limit survives a reload that leaves its options as they are.
    """

    name = "concurrency"
    Config = ConcurrencyConfig

    def __init__(self, config: ConcurrencyConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self.load = scope.share(config, lambda: Load(config))
        self._gate = self.load.gate
        self._limit = self.load.limit
        self._board = scope.component(Limits)

    async def open(self) -> None:
        self._board.add(self)

    async def close(self) -> None:
        self._board.remove(self)

    def admit(self, exchange: Exchange) -> Awaitable[None] | None:
        return None if self._gate.enter() else self._wait(exchange)

    def settle(self, exchange: Exchange, attempt: Attempt | None, admitted: None) -> None:  # noqa: ARG002 - a place is like any other
        self._gate.leave()
        if attempt is None or exchange.request.body.data is None:
            return  # a body that streams comes at the client's pace, and the answer waits for it
        slow = slowness(attempt, self.config.latencies.get(exchange.route, self.config.latency))
        sent = attempt.sent or attempt.started
        if slow is not None and self._limit.add(slow, sent, attempt.ended, self._gate.peak):
            self._gate.resize(int(self._limit.limit))

    async def _wait(self, exchange: Exchange) -> None:
        seconds = self.config.wait
        if exchange.deadline:
            seconds = min(seconds, exchange.deadline - self.scope.clock.monotonic())
        if not await self._gate.wait(self.config.priorities.get(exchange.route, USUAL), seconds):
            self._tell()
            each = self._limit.slowness * self.config.latency
            raise refusal((self._gate.waiting + 1) * each / self._gate.places)

    def _tell(self) -> None:
        load, now = self.load, self.scope.clock.monotonic()
        load.refused += 1
        if now - load.told >= QUIET:
            load.told = now
            self.scope.event(
                "overloaded",
                upstream=self.scope.place,
                limit=self._gate.places,
                waiting=self._gate.waiting,
                refused=load.refused,
            )
