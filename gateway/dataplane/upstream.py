"""The upstream: it alone makes attempts, and alone decides whether one may be made again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, Literal

from gateway.dataplane.attempt import Sending, Ticket, settle_guards
from gateway.dataplane.pool import Pool
from gateway.dataplane.retry import Retry, RetryBudget
from gateway.dataplane.shadow import Undecided, would
from gateway.errors import FirstByteTimeout, GatewayError, IdleTimeout, TotalTimeout, UpstreamBroken, UpstreamError
from gateway.exchange import Attempt, Delivery, Exchange, Step
from gateway.fields import BEGINNINGS, Pieces, breaks, pieces_of, without
from gateway.messages import Request, Response
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


@dataclass(frozen=True, slots=True)
class LookUp:
    """What look-ups by our key tell, by the upstream's contract.  Seconds."""

    linearizable: bool = False
    never_executes_after: float | None = None


_HOST = BEGINNINGS[b"host"]
_CHUNKED = b"\r\ntransfer-encoding: chunked\r\n\r\n"
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
        look_up: LookUp = LookUp(),
    ) -> None:
        self.name = name
        self.pool = pool
        self.timeouts = timeouts
        self.retry = retry
        self.idempotent = idempotent
        self.look_up = look_up
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
        came: Response | GatewayError | None = None
        while True:
            before, made = came, len(exchange.attempts)
            try:
                tickets = await self._admit(exchange) if self.guards else []
                came = await self._sending(exchange, tickets).run()
                if came.status not in self.retry.statuses:
                    return came
            except GatewayError as error:
                came = error
            again = isinstance(came, Response | UpstreamError) and len(exchange.attempts) > made
            if before is not None and self._unsent(exchange, made):
                came = before  # what was never sent does not change what came of that which was
            if not again or (pause := self._again(exchange)) is None:
                break
            if isinstance(came, Response) and came.body.data is None:
                exchange.abandon()
                came = UpstreamBroken(f"The upstream answered {came.status}, and was then asked again in vain")
            await asyncio.sleep(pause)
        if isinstance(came, GatewayError):
            raise came
        return came

    @staticmethod
    def _unsent(exchange: Exchange, made: int) -> bool:
        """Whether nothing was sent since ``made`` attempts were made, though something was before."""
        since = exchange.attempts[made:]
        return exchange.delivery is not Delivery.UNSENT and all(a.delivery is Delivery.UNSENT for a in since)

    def _again(self, exchange: Exchange) -> float | None:
        """The seconds after which the request may be sent again; None where it may not."""
        attempts = exchange.attempts
        allowed = self.retry.attempts + (1 if attempts[0].stale else 0)
        replayable = exchange.request.body.data is not None or exchange.delivery is Delivery.UNSENT
        if len(attempts) >= allowed or not replayable or not exchange.may_resend():
            return None
        stale = attempts[-1].stale  # no sign of trouble: it costs no budget
        pause = 0.0 if stale else self.retry.pause(len(attempts))
        if monotonic() + pause >= exchange.deadline or not (stale or self._budget.withdraw()):
            return None
        return pause

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

    def _sending(self, exchange: Exchange, tickets: list[Ticket]) -> Sending:
        attempt = Attempt(len(exchange.attempts) + 1, monotonic())
        exchange.attempts.append(attempt)
        sending = Sending(self, exchange, attempt, tickets)
        exchange.abandon_by(sending.abandon)
        return sending

    async def _admit(self, exchange: Exchange) -> list[Ticket]:
        """Ask each guard; where one refuses, those that admitted are told that nothing came of it.

        One in shadow is asked alike, but nobody waits for what it awaits.
        """
        tickets: list[Ticket] = []
        for guard, mode in self.guards:
            exchange.current = guard.name
            try:
                given = guard.admit(exchange)
                if hasattr(given, "__await__"):  # a tenth of the time of inspect.isawaitable
                    if mode == "shadow":
                        tickets.append((Undecided(guard, given), None))
                        continue
                    given = await given
                tickets.append((guard, given))
            except BaseException as error:
                if mode == "shadow" and isinstance(error, Exception):
                    exchange.steps.append(would(guard, error))
                    continue
                if isinstance(error, GatewayError):
                    exchange.steps.append(Step(guard.name, mode, "refused", 0.0, error.code))
                settle_guards(exchange, None, tickets)
                raise
        return tickets

    def head(self, exchange: Exchange, length: int | None) -> bytes:
        """The request's first bytes.

        A header that could break the line, or says how long the body is, is a filter's mistake: ValueError.
        """
        request = exchange.request
        start = f"{request.method} {target(exchange)} HTTP/1.1".encode("ascii")
        if breaks(start) or start.count(b" ") != 2:
            raise ValueError("The target holds a space, a line break or NUL")
        if length is None:
            end = _CHUNKED
        elif length or request.method not in _BODILESS:
            end = b"\r\ncontent-length: %d\r\n\r\n" % length
        else:
            end = b"\r\n\r\n"
        return b"".join([start, *self._pieces(request), end])

    def _pieces(self, request: Request) -> Pieces:
        pieces = request.pieces
        if pieces is None:
            pieces = pieces_of(request.headers.raw, framed=True)
        return pieces if self.host is None else [_HOST, self.host, *without(pieces, (b"host",))]


def target(exchange: Exchange) -> str:
    """The request's target as it now is; an empty query that was sent stays."""
    request = exchange.request
    if request.query or exchange.received.target.endswith(b"?"):
        return f"{request.path}?{request.query}"
    return request.path
