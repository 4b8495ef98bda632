"""The data plane's ASGI application: from a turn on a client's connection to an exchange, and back."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from starlette.datastructures import MutableHeaders as Headers

from gateway.body import Body
from gateway.dataplane.headers import (
    Network,
    client_address,
    content_length,
    forwarding,
    is_trusted,
    to_upstream,
)
from gateway.dataplane.problem import render
from gateway.dataplane.snapshot import Active, Snapshot
from gateway.dataplane.strictness import Head
from gateway.dataplane.turn import BODILESS, Turn
from gateway.errors import ClientGone, GatewayError, InternalError
from gateway.exchange import Delivery, Exchange, Received, Request, Response
from gateway.ids import request_id
from gateway.trace import continue_or_begin

logger = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

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
        exchange = self._begin(scope, turn, receive)
        snapshot.enter()
        self.in_flight += 1
        try:
            await self._answer(snapshot, exchange, scope, turn, send)
        finally:
            exchange.abandon()
            await self._end(snapshot, exchange)
            self.in_flight -= 1
            snapshot.leave()

    def _begin(self, scope: dict[str, Any], turn: Turn, receive: Receive) -> Exchange:
        head: Head = scope["payguard.head"]
        raw: list[tuple[bytes, bytes]] = scope["headers"]
        peer: str = scope["client"][0]
        trusted = bool(self._trusted) and is_trusted(peer, self._trusted)
        client = client_address(peer, raw, self._trusted) if trusted else peer
        data = turn.take()
        body = Body(data) if data is not None else Body(source=_chunks(receive), length=content_length(raw))
        received = Received(head.method, head.target, tuple(raw), body, client, peer, scope["scheme"], trusted)
        fields = dict(raw)
        trace = continue_or_begin(fields.get(b"traceparent"), self._sample())
        identifier = (_given_id(fields) if trusted else None) or request_id()
        passed = to_upstream(raw)
        passed += forwarding(raw, peer=peer, scheme=scope["scheme"], host=head.host, trusted=trusted)
        passed += ((b"traceparent", trace.traceparent), (b"x-request-id", identifier.encode()))
        request = Request(head.method, head.path, query=head.query, headers=Headers(raw=passed), body=body)
        exchange = Exchange(identifier, received, request, trace, monotonic())
        turn.on_gone = lambda: _leave(exchange, turn)
        return exchange

    async def _answer(
        self, snapshot: Snapshot, exchange: Exchange, scope: dict[str, Any], turn: Turn, send: Send
    ) -> None:
        head: Head = scope["payguard.head"]
        try:
            router = snapshot.router
            host = head.hostname if router.asks_host else ""
            route, exchange.params = router.find(head.method, head.path, host, exchange.request.headers)
        except GatewayError as error:
            exchange.error = error
            exchange.response = render(error, exchange.id)
        else:
            exchange.route, exchange.operation = route.name, route.operation
            await route.chain(exchange)
        if turn.gone and exchange.error is None:
            if exchange.safe:
                exchange.error = ClientGone("The client went away")
                return
            exchange.note("client_gone")  # what became of it is known; nobody was there to read it
        if exchange.error is not None and (problem := exchange.answer.body.data):
            exchange.answer.body = self._mask(problem)
        await _send(exchange, head.method, turn, send)

    async def _end(self, snapshot: Snapshot, exchange: Exchange) -> None:
        """What was asked to run at the end, then the observers; neither can fail the exchange any more."""
        for call in exchange.take_at_end():
            try:
                await call()
            except Exception:
                logger.exception("What was to run at the end of an exchange failed", extra={"request_id": exchange.id})
        exchange.ended = monotonic()
        if exchange.request.body.data is not None:
            exchange.bytes_in = len(exchange.received.body.data or b"")
        for ended in snapshot.observers:
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


async def _send(exchange: Exchange, method: str, turn: Turn, send: Send) -> None:
    response = exchange.answer
    body = response.body
    try:
        fields = _fields(exchange, response)
        if body.data is not None or method == "HEAD":
            exchange.bytes_out = len(body.data or b"")
            turn.answer(response.status, fields, body.data or b"")
            return
        await send({"type": "http.response.start", "status": response.status, "headers": fields})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        async for chunk in body.chunks():
            exchange.bytes_out += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except GatewayError as error:  # the head has gone: the connection's end is all that can still tell
        exchange.error = error
    except ValueError as error:
        logger.error("The answer of %s cannot be sent: %s", exchange.route, error)  # noqa: TRY400 - the text says it all
        exchange.error = InternalError()
        if not turn.written:
            problem = exchange.response = render(exchange.error, exchange.id)
            turn.answer(problem.status, _fields(exchange, problem), problem.body.data or b"")
    except asyncio.CancelledError:
        exchange.error = ClientGone("The client went away")
        raise


def _fields(exchange: Exchange, response: Response) -> list[tuple[bytes, bytes]]:
    length = response.body.length
    if length is None or response.status in BODILESS:
        return [*response.headers.raw, (b"x-request-id", exchange.id.encode())]
    return [
        *response.headers.raw,
        (b"x-request-id", exchange.id.encode()),
        (b"content-length", b"%d" % length),
    ]


def _given_id(fields: Mapping[bytes, bytes]) -> str | None:
    """A trusted proxy's own request id, where it can stand in a header and a log line."""
    given = fields.get(b"x-request-id", b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else None


async def _chunks(receive: Receive) -> AsyncGenerator[bytes, None]:
    while True:
        message = await receive()
        if message["body"]:
            yield message["body"]
        if not message["more_body"]:
            return
