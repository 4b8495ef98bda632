"""The data plane's ASGI application: from a turn on a client's connection to an exchange, and back."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any

from starlette.datastructures import MutableHeaders as Headers

from gateway.body import Body
from gateway.cards import embeds, holds
from gateway.dataplane.headers import (
    Network,
    client_address,
    content_length,
    forwarding,
    is_trusted,
    last,
    passing,
)
from gateway.dataplane.problem import render
from gateway.dataplane.snapshot import Active, Route, Snapshot
from gateway.dataplane.strictness import Head
from gateway.dataplane.turn import BODILESS, Turn
from gateway.errors import ClientGone, GatewayError, InternalError
from gateway.exchange import Delivery, Exchange
from gateway.fields import BEGINNINGS, Pieces, fields_of, pieces_of, without
from gateway.ids import request_id
from gateway.messages import Received, Request, Response
from gateway.trace import continue_or_begin

logger = logging.getLogger(__name__)

_NONE = Headers(raw=[])

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

_ID, _LENGTH = BEGINNINGS[b"x-request-id"], BEGINNINGS[b"content-length"]
_TRACEPARENT = BEGINNINGS[b"traceparent"]
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:+/=-]{1,128}")


class DataPlane:
    """Runs each request on the snapshot that is active when it arrives, to its end.

    It is served by ``ClientProtocol``, whose turns it relies on.  ``trusted`` are the networks of proxies whose
    forwarding headers, request ids and identity headers are believed.  ``sample`` is the share of new traces that are
    sampled.  ``mask`` takes what nobody may read out of a problem, which a filter may have put there.
    """

    def __init__(
        self,
        active: Active,
        *,
        trusted: Sequence[Network] = (),
        sample: Callable[[], float] = lambda: 0.01,
        mask: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self._active = active
        self._trusted = tuple(trusted)
        self._sample = sample
        self._mask = mask
        self.in_flight = 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        snapshot = self._active.snapshot
        turn: Turn = scope["payguard.turn"]
        head: Head = scope["payguard.head"]
        exchange = self._begin(scope, head, turn, receive)
        snapshot.enter()
        self.in_flight += 1
        try:
            if (route := _route(snapshot, exchange, head)) is not None:
                await route.chain(exchange)
            if self._is_answered(exchange, turn) and not _sent(exchange, head.method, turn):
                await _stream(exchange, turn, send)
        finally:
            exchange.abandon()
            if calls := exchange.take_at_end():
                await _run_at_end(calls, exchange)
            _observe(exchange, snapshot.observers)
            self.in_flight -= 1
            snapshot.leave()

    def _begin(self, scope: dict[str, Any], head: Head, turn: Turn, receive: Receive) -> Exchange:
        raw: list[tuple[bytes, bytes]] = scope["headers"]
        peer: str = scope["client"][0]
        trusted = bool(self._trusted) and is_trusted(peer, self._trusted)
        client = client_address(peer, raw, self._trusted) if trusted else peer
        data = turn.take()
        body = Body(data) if data is not None else Body(source=_chunks(receive), length=content_length(head.judged))
        received = Received(head.method, head.target, tuple(raw), body, client, peer, scope["scheme"], trusted)
        trace = continue_or_begin(_given_trace(head.judged), self._sample())
        identifier = (_given_id(head.judged) if trusted else None) or request_id()
        pieces = passing(turn.pieces, head.judged)
        pieces += forwarding(raw, peer=peer, scheme=scope["scheme"], host=head.host, trusted=trusted)
        pieces += (_TRACEPARENT, trace.traceparent, _ID, identifier.encode())
        request = Request(head.method, head.path, query=head.query, body=body, pieces=pieces)
        exchange = Exchange(identifier, received, request, trace, monotonic())
        turn.on_gone = partial(_leave, exchange, turn)
        return exchange

    def _is_answered(self, exchange: Exchange, turn: Turn) -> bool:
        """Whether there is an answer, and anybody to read it or to be told of it."""
        if turn.gone and exchange.error is None:
            if exchange.safe:
                exchange.error = ClientGone("The client went away")
                return False
            exchange.note("client_gone")  # what became of it is known; nobody was there to read it
        if exchange.error is not None and (problem := exchange.answer.body.data):
            exchange.answer.body = self._mask(problem)
        return True


def _route(snapshot: Snapshot, exchange: Exchange, head: Head) -> Route | None:
    """The route that takes it; where there is none, the exchange is answered."""
    router = snapshot.router
    try:
        host = head.hostname if router.asks_host else ""
        headers = exchange.request.headers if router.asks_headers else _NONE
        route, exchange.params = router.find(head.method, head.path, host, headers)
    except GatewayError as error:
        exchange.fail(error)
        exchange.response = render(error, exchange.id)
        return None
    exchange.route, exchange.operation = route.name, route.operation
    return route


async def _run_at_end(calls: Sequence[Callable[[], Awaitable[None]]], exchange: Exchange) -> None:
    """None of them can fail the exchange any more."""
    for call in calls:
        try:
            await call()
        except Exception:
            logger.exception("What was to run at the end of an exchange failed", extra={"request_id": exchange.id})


def _observe(exchange: Exchange, observers: Sequence[Callable[[Exchange], None]]) -> None:
    exchange.ended = monotonic()
    if exchange.request.body.data is not None:
        exchange.bytes_in = len(exchange.received.body.data or b"")
    for ended in observers:
        try:
            ended(exchange)
        except Exception:
            logger.exception("An observer failed", extra={"request_id": exchange.id})


def _leave(exchange: Exchange, turn: Turn) -> None:
    """The client has gone: what was not sent, or only asks, is cancelled; an unsafe request is followed to its end.

    What filters do about an unsafe request that was not sent, such as freeing its key, is not cut short.
    """
    unsent = exchange.delivery is Delivery.UNSENT and exchange.response is None
    if turn.task is not None and (unsent or exchange.safe):
        turn.task.cancel()


def _sent(exchange: Exchange, method: str, turn: Turn) -> bool:
    """Whether all of the answer is here, and was sent; or can never be, and a problem was."""
    response = exchange.answer
    body = response.body
    if body.data is None and method != "HEAD":
        return False
    try:
        exchange.bytes_out = len(body.data or b"")
        turn.answer(response.status, _pieces(exchange, response), body.data or b"")
    except ValueError as error:
        _explain(exchange, error, turn)
    return True


async def _stream(exchange: Exchange, turn: Turn, send: Send) -> None:
    """Send the answer as it arrives."""
    response = exchange.answer
    try:
        fields = fields_of(_pieces(exchange, response))
        await send({"type": "http.response.start", "status": response.status, "headers": fields})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        async for chunk in response.body.chunks():
            exchange.bytes_out += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except GatewayError as error:  # the head has gone: the connection's end is all that can still tell
        exchange.fail(error)
    except ValueError as error:
        _explain(exchange, error, turn)
    except asyncio.CancelledError:
        exchange.error = ClientGone("The client went away")
        raise


def _explain(exchange: Exchange, error: ValueError, turn: Turn) -> None:
    """A filter has made an answer that cannot be sent."""
    logger.error("The answer of %s cannot be sent: %s", exchange.route, error)
    exchange.error = InternalError()
    if not turn.written:
        problem = exchange.response = render(exchange.error, exchange.id)
        turn.answer(problem.status, _pieces(exchange, problem), problem.body.data or b"")


def _pieces(exchange: Exchange, response: Response) -> Pieces:
    """The answer's header fields; ValueError where they cannot be sent."""
    length = None if response.status in BODILESS else response.body.length
    pieces = response.pieces
    if pieces is None:
        pieces = without(pieces_of(response.headers.raw, framed=length is not None), (b"x-request-id",))
    if length is None:
        return [*pieces, _ID, exchange.id.encode()]
    return [*pieces, _ID, exchange.id.encode(), _LENGTH, b"%d" % length]


def _given_id(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """A trusted proxy's own request id, where it can stand in a header and a log line."""
    given = last(headers, b"x-request-id")
    if given is None or not _REQUEST_ID.fullmatch(given) or holds(given.decode()):
        return None
    return given.decode()


def _given_trace(headers: Sequence[tuple[bytes, bytes]]) -> bytes | None:
    """Ids are written as they are: a trace in which a card's number may stand, 1 in 1,000 by chance, begins anew."""
    given = last(headers, b"traceparent")
    return None if given is None or embeds(given.decode("latin-1")) else given


async def _chunks(receive: Receive) -> AsyncGenerator[bytes, None]:
    while True:
        message = await receive()
        if message["body"]:
            yield message["body"]
        if not message["more_body"]:
            return
