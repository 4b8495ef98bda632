"""The upstream: it alone makes attempts, and alone decides whether one may be made again."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, Literal

from gateway.dataplane.attempt import Sending, Ticket, settle_guards
from gateway.dataplane.headers import head
from gateway.dataplane.pool import Pool
from gateway.dataplane.retry import Retry, RetryBudget
from gateway.errors import FirstByteTimeout, GatewayError, IdleTimeout, TotalTimeout, UpstreamError
from gateway.exchange import Attempt, Delivery, Exchange, Response, Step
from gateway.parts import Guard


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds.

    ``total`` counts from the whole request having been read to the whole answer; for a safe request whose answer
    streams, to its head, from where on ``idle`` counts between two pieces.
    """

    first_byte: float = 8.0
    idle: float = 30.0
    total: float = 10.0


@dataclass(frozen=True, slots=True)
class Idempotent:
    """The upstream executes a key once within ``window`` seconds of its first arrival, and says so in its contract."""

    window: float
    header: str = "idempotency-key"


_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
"""Methods whose request says nothing of its length where it has no body (RFC 9110 §8.6)."""


class Upstream:
    """One place to send to.

    ``dispatch`` sends an exchange's request and returns the answer, whole or streaming, or raises an UpstreamError.
    It keeps ``exchange.attempts`` and ``exchange.delivery`` true at every moment: UNKNOWN from just before the first
    byte.  ``host`` None preserves the client's Host header.
    """

    def __init__(
        self,
        name: str,
        pool: Pool,
        timeouts: Timeouts,
        retry: Retry,
        *,
        idempotent: Idempotent | None = None,
        host: str | None = None,
        guards: Sequence[tuple[Guard[Any], Literal["enforce", "shadow"]]] = (),
        budget: RetryBudget | None = None,
    ) -> None:
        self.name = name
        self.pool = pool
        self.timeouts = timeouts
        self.retry = retry
        self.idempotent = idempotent
        self.host = None if host is None else host.encode("latin-1")
        self.guards = tuple(guards)
        self._budget = budget or RetryBudget(retry.budget)
        self.late_total = partial(TotalTimeout, f"The upstream did not answer within {timeouts.total:g} s in all")
        self.late_first_byte = partial(
            FirstByteTimeout, f"The upstream did not begin its answer within {timeouts.first_byte:g} s"
        )
        self.late_idle = partial(IdleTimeout, f"The upstream fell silent for {timeouts.idle:g} s within its answer")

    async def dispatch(self, exchange: Exchange) -> Response:
        """The upstream's answer; one that was not all here with its head streams."""
        exchange.upstream = self.name
        exchange.deadline = monotonic() + self.timeouts.total
        if self.idempotent is not None:
            exchange.resendable = self._within_window
        self._budget.deposit()
        while True:
            try:
                response = await self._attempt(exchange)
            except UpstreamError:
                if not self._again(exchange):
                    raise
            else:
                if response.status not in self.retry.statuses or not self._again(exchange):
                    return response
                exchange.abandon()
            pause = 0.0 if exchange.attempts[-1].stale else self.retry.pause(len(exchange.attempts))
            if monotonic() + pause >= exchange.deadline:
                raise self.late_total()
            await asyncio.sleep(pause)

    def _again(self, exchange: Exchange) -> bool:
        attempts = exchange.attempts
        allowed = self.retry.attempts + (1 if attempts and attempts[0].stale else 0)
        return (
            len(attempts) < allowed
            and bool(attempts)
            and (exchange.request.body.data is not None or exchange.delivery is Delivery.UNSENT)
            and exchange.may_resend()
            and self._budget.withdraw()
        )

    def has_key(self, exchange: Exchange) -> bool:
        """Whether the upstream is declared idempotent, and the request carries the key by which it is."""
        if self.idempotent is None:
            return False
        keys = exchange.request.headers.getlist(self.idempotent.header)
        return len(keys) == 1 and bool(keys[0])

    def _within_window(self, exchange: Exchange) -> bool:
        assert self.idempotent is not None
        sent = [attempt.started for attempt in exchange.attempts if attempt.delivery is not Delivery.UNSENT]
        fresh = not sent or monotonic() - sent[0] < self.idempotent.window
        return fresh and self.has_key(exchange)

    async def _attempt(self, exchange: Exchange) -> Response:
        tickets = await self._admit(exchange) if self.guards else []
        attempt = Attempt(len(exchange.attempts) + 1, monotonic())
        exchange.attempts.append(attempt)
        sending = Sending(self, exchange, attempt, tickets)
        exchange.abandon_by(sending.abandon)
        return await sending.run()

    async def _admit(self, exchange: Exchange) -> list[Ticket]:
        """Ask each guard; where one refuses, those that admitted are told that nothing came of it."""
        tickets: list[Ticket] = []
        for guard, mode in self.guards:
            exchange.current = guard.name
            try:
                ticket = guard.admit(exchange)
                tickets.append((guard, await ticket if inspect.isawaitable(ticket) else ticket))
            except GatewayError as error:
                shadow = mode == "shadow"
                decision = "would_refuse" if shadow else "refused"
                exchange.steps.append(Step(guard.name, mode, decision, 0.0, error.code))
                if not shadow:
                    settle_guards(exchange, None, tickets)
                    raise
            except BaseException:
                settle_guards(exchange, None, tickets)
                raise
        return tickets

    def head(self, exchange: Exchange, length: int | None) -> bytes:
        """The request's first bytes.  A header that could break the line is a filter's mistake: ValueError."""
        request = exchange.request
        fields: list[tuple[bytes, bytes]] = request.headers.raw
        if self.host is not None:
            fields = [(b"host", self.host), *(field for field in fields if field[0] != b"host")]
        if length is None:
            fields = [*fields, (b"transfer-encoding", b"chunked")]
        elif length or request.method not in _BODILESS:
            fields = [*fields, (b"content-length", b"%d" % length)]
        return head(f"{request.method} {target(exchange)} HTTP/1.1\r\n".encode("ascii"), fields)


def target(exchange: Exchange) -> str:
    """The request's target as it now is; an empty query that was sent stays."""
    request = exchange.request
    if request.query or exchange.received.target.endswith(b"?"):
        return f"{request.path}?{request.query}"
    return request.path
