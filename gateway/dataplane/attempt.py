"""One attempt at an upstream: its connection, what is sent, the answer, and how it ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeAlias

from gateway.body import Body
from gateway.dataplane.answer import Answer
from gateway.dataplane.connection import Connection
from gateway.dataplane.headers import content_length, passing
from gateway.errors import GatewayError, TooLateToSend, UpstreamBroken
from gateway.exchange import Attempt, Delivery, Exchange
from gateway.messages import Response
from gateway.parts import Guard

if TYPE_CHECKING:
    from gateway.dataplane.upstream import Upstream

logger = logging.getLogger(__name__)

_UNSENT, _UNKNOWN, _ANSWERED = Delivery  # on CPython 3.11 a look-up in an Enum costs 0.2 µs

Ticket: TypeAlias = tuple[Guard[Any], Any]
"""A guard that admitted an attempt, and what it gave."""

INCONCLUSIVE = frozenset({401, 403, 408, 409, 425, 429})
"""Answers, beside 5xx, that do not tell what became of an earlier attempt with the same key: they come before it is
looked up, or while it is at work."""


def settle_guards(exchange: Exchange, attempt: Attempt | None, tickets: Sequence[Ticket]) -> None:
    for guard, given in tickets:
        try:
            guard.settle(exchange, attempt, given)
        except Exception:
            logger.exception("The guard %s failed to settle", guard.name)


def deliver(exchange: Exchange, *, idempotent: bool) -> Delivery:
    """What all attempts together make certain.

    One that may have acted, and whose own answer does not tell, makes all of it UNKNOWN; but where the upstream is
    idempotent, and the last answer, to the same key, is conclusive.
    """
    *earlier, last = exchange.attempts
    if idempotent and conclusive(last):
        return Delivery.ANSWERED
    kinds = {attempt.delivery for attempt in exchange.attempts}
    in_doubt = not exchange.safe and any(a.delivery is Delivery.ANSWERED and not conclusive(a) for a in earlier)
    if Delivery.UNKNOWN in kinds or in_doubt:
        return Delivery.UNKNOWN
    return Delivery.ANSWERED if Delivery.ANSWERED in kinds else Delivery.UNSENT


def conclusive(attempt: Attempt) -> bool:
    """Whether its answer tells what became of the payment, whatever came of an earlier one with the same key."""
    status = attempt.status or 500
    return attempt.delivery is Delivery.ANSWERED and status < 500 and status not in INCONCLUSIVE


class Sending:
    """An attempt under way.  It ends once: with the last byte of its answer, by a failure, or abandoned."""

    __slots__ = (
        "_answer",
        "_attempt",
        "_connection",
        "_ended",
        "_exchange",
        "_failure",
        "_tickets",
        "_upload",
        "_upstream",
    )

    def __init__(self, upstream: Upstream, exchange: Exchange, attempt: Attempt, tickets: Sequence[Ticket]) -> None:
        self._upstream = upstream
        self._exchange = exchange
        self._attempt = attempt
        self._tickets = tickets
        self._connection: Connection | None = None
        self._answer: Answer | None = None
        self._upload: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._ended = False

    async def run(self) -> Response:
        """Send the request and read the head of its answer.  Every failure has ended the attempt."""
        try:
            connection = self._take() or await self._connect()
            answer = self._answer = self._send(connection)
            while not answer.head:  # as answer.read_head(), without a coroutine of its own
                await answer.arrival()
            answer.until = inf
            self._attempt.answered = monotonic()
        except BaseException as error:
            if self._failure is not None and isinstance(error, UpstreamBroken):
                error = self._failure
            self._end(error)
            raise error from None
        if answer.complete:
            body = Body(answer.take())
            if self._exchange.request.method == "HEAD":
                body.length = content_length(answer.judged)
            self._end(None)
        else:
            body = Body(source=self._rest(answer), length=content_length(answer.judged))
        return Response(answer.status, body=body, pieces=passing(answer.pieces, answer.judged))

    def _take(self) -> Connection | None:
        """An idle connection at once, where nothing need be awaited before it is used."""
        exchange = self._exchange
        if self._attempt.number > 1 or exchange.waits_before_send:
            return None
        self._connection = self._upstream.pool.take()
        self._attempt.reused = self._connection is not None
        return self._connection

    async def _connect(self) -> Connection:
        exchange, pool = self._exchange, self._upstream.pool
        fresh = len(exchange.attempts) > 1 and exchange.attempts[-2].stale
        self._connection = await pool.acquire(exchange.deadline, fresh=fresh)
        if calls := exchange.take_before_send():
            for call in calls:
                await call()
            if not self._connection.quiet:
                self._connection.close()
                self._connection = await pool.acquire(exchange.deadline)
        if self._attempt.number > 1 and not exchange.may_resend():
            raise TooLateToSend("The time in which the request may be sent again is over")
        self._attempt.reused = not self._connection.fresh
        return self._connection

    def _send(self, connection: Connection) -> Answer:
        """From here on the upstream may act."""
        exchange = self._exchange
        if exchange.reservation is not None and monotonic() > exchange.reservation.send_by:
            raise TooLateToSend("The time in which the payment may be sent is over")
        body = exchange.request.body
        head = self._upstream.head(exchange, body.length)
        head_only = exchange.request.method == "HEAD"
        exchange.delivery = self._attempt.delivery = _UNKNOWN
        self._attempt.sent = now = monotonic()
        if body.data is not None:
            answer = connection.begin(head + body.data, head_only=head_only, written=True)
            self._limit(answer, now)
        else:
            answer = connection.begin(head, head_only=head_only, written=False)
            self._upload = asyncio.create_task(self._send_body(connection, answer, body))
        return answer

    def _limit(self, answer: Answer, now: float) -> None:
        """The whole request is written: its answer must begin, and end, in time."""
        upstream, exchange = self._upstream, self._exchange
        first_byte = now + upstream.timeouts.first_byte
        if first_byte < exchange.deadline:
            answer.limit(first_byte, upstream.late_first_byte)
        else:
            answer.limit(exchange.deadline, upstream.late_total)

    async def _send_body(self, connection: Connection, answer: Answer, body: Body) -> None:
        """Pump a streaming body, in the pace of both sides; then the clock of ``total`` begins."""
        timeouts = self._upstream.timeouts
        try:
            async with aclosing(_framed(body)) as pieces:
                async for size, piece in pieces:
                    self._exchange.bytes_in += size
                    async with asyncio.timeout(timeouts.idle):
                        await connection.write(piece)
        except TimeoutError:
            connection.fail(self._upstream.late_idle())
        except UpstreamBroken as error:
            connection.fail(error)
        except Exception as error:  # noqa: BLE001 - the client's failure, or a filter's that makes the body: raised where the answer is awaited
            self._failure = error
            connection.fail(UpstreamBroken("The request broke off"))
        else:
            now = monotonic()
            self._exchange.deadline = now + timeouts.total
            if not answer.head:
                self._limit(answer, now)
            connection.written()

    async def _rest(self, answer: Answer) -> AsyncGenerator[bytes, None]:
        """The body as it arrives.  ``total`` holds on for an unsafe request; ``idle`` between two pieces for all."""
        upstream, exchange = self._upstream, self._exchange
        try:
            while True:
                silent = monotonic() + upstream.timeouts.idle
                uploading = self._upload is not None and not self._upload.done()
                if exchange.safe or uploading or silent < exchange.deadline:
                    answer.limit(silent, upstream.late_idle)
                else:
                    answer.limit(exchange.deadline, upstream.late_total)
                if not (data := await answer.read()):
                    break
                answer.unlimit()
                yield data
        except BaseException as error:
            self._end(error)
            raise
        self._end(None)

    def abandon(self) -> None:
        """Nobody waits for the rest."""
        if not self._ended:
            self._end(asyncio.CancelledError())

    def _end(self, error: BaseException | None) -> None:
        if self._ended:
            return
        self._ended = True
        attempt, exchange, connection = self._attempt, self._exchange, self._connection
        attempt.ended = monotonic()
        answer = self._answer
        if answer is not None:
            answer.until = inf
            attempt.status = answer.status or None
        if answer is not None and connection is not None and connection.withdraw(answer):
            attempt.delivery, attempt.sent = _UNSENT, 0.0
        if self._upload is not None and not self._upload.done():
            self._upload.cancel()
            self._give_back(connection)
        if error is None or (answer is not None and answer.complete):
            attempt.delivery = _ANSWERED
        if error is not None:
            attempt.error = error.code if isinstance(error, GatewayError) else type(error).__name__
            self._give_back(connection)
        if len(exchange.attempts) == 1:
            exchange.delivery = attempt.delivery
        else:
            exchange.delivery = deliver(exchange, idempotent=self._upstream.has_key(exchange))
        if self._tickets:
            settle_guards(exchange, attempt, self._tickets)

    def _give_back(self, connection: Connection | None) -> None:
        """A connection on which nothing was sent is as good as before; any other is closed."""
        if connection is None:
            return
        if self._answer is not None:
            connection.leave(self._answer)
        elif connection.usable and self._attempt.delivery is Delivery.UNSENT:
            self._upstream.pool.release(connection)
        else:
            connection.close()


async def _framed(body: Body) -> AsyncGenerator[tuple[int, bytes], None]:
    """The body in pieces, each with its size and as it is written.  What it holds must be what was announced."""
    left = body.length
    async with aclosing(body.chunks()) as chunks:
        async for chunk in chunks:
            if not chunk:  # as a chunk of its own it would end the body
                continue
            if left is None:
                yield len(chunk), b"%x\r\n%b\r\n" % (len(chunk), chunk)
                continue
            left -= len(chunk)
            if left < 0:
                break
            yield len(chunk), chunk
    if left is None:
        yield 0, b"0\r\n\r\n"
    elif left:
        raise ValueError("The request's body is not as long as its length says")
