"""A turn: one request on a client's connection and its answer, as ASGI."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from gateway.dataplane.clients import Clients
from gateway.dataplane.outlet import Outlet
from gateway.dataplane.problem import STATUS_LINES
from gateway.errors import ClientFailed, ClientTimeout
from gateway.fields import BEGINNINGS, Pieces, pieces_of

if TYPE_CHECKING:
    from gateway.dataplane.protocol import ClientProtocol

logger = logging.getLogger("payguard.clients")

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HIGH_WATER = 64 << 10
BODILESS = frozenset({204, 304})
_DATE, _LENGTH = BEGINNINGS[b"date"], BEGINNINGS[b"content-length"]
_CHUNKED = [BEGINNINGS[b"transfer-encoding"], b"chunked"]
_CONNECTION = BEGINNINGS[b"connection"]


class Turn:
    """What the protocol knows of a request while it is read and answered.

    ``scope["payguard.turn"]`` is this object, so that the application can take a body that is here already without
    awaiting it, and can say in ``on_gone`` what a client's leaving means.  ``pieces`` are the fields of its head that
    may pass on.
    """

    __slots__ = (
        "_active",
        "_head",
        "_length",
        "_outlet",
        "_paused",
        "_protocol",
        "_received",
        "_waiter",
        "_waiting_since",
        "answered",
        "chunks",
        "complete",
        "expects_continue",
        "failure",
        "gone",
        "keep_alive",
        "on_gone",
        "pieces",
        "scope",
        "size",
        "started",
        "task",
        "written",
    )

    def __init__(
        self, protocol: ClientProtocol, scope: dict[str, Any], pieces: Pieces, *, keep_alive: bool, expects: bool
    ) -> None:
        self._protocol = protocol
        self._outlet: Outlet = protocol.outlet
        self.scope = scope
        self.pieces = pieces
        scope["payguard.turn"] = self
        self.keep_alive = keep_alive
        self.expects_continue = expects
        self.chunks: list[bytes] = []
        self.size = 0
        self.complete = False
        self.failure: ClientFailed | None = None
        self.gone = False
        self.on_gone: Callable[[], None] | None = None
        self.task: asyncio.Task[None] | None = None
        self.started = False
        self.written = False
        self.answered = False
        self._waiting_since = 0.0
        self._active = 0.0
        self._received = 0
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._head: bytes | None = None
        self._length: int | None = 0

    # what the protocol tells

    def feed(self, chunk: bytes) -> None:
        self.chunks.append(chunk)
        self._received += len(chunk)
        self.size += len(chunk)
        if self.size > HIGH_WATER:  # also where it was paused: an answer before this turn lets reading go on
            self._paused = True
            self._outlet.pause_reading()
        if self._waiter is not None:
            self._wake()

    def finish(self) -> None:
        self.complete = True
        if self._waiter is not None:
            self._wake()

    def fail(self, failure: ClientFailed) -> None:
        self.keep_alive = False
        if not self.complete and self.failure is None:
            self.failure = failure
            self._wake()

    def lose(self) -> None:
        """The client has gone."""
        self.gone = True
        self.fail(ClientFailed("The client went away before its request had arrived"))
        if self.on_gone is not None:
            self.on_gone()

    @property
    def reading(self) -> bool:
        """Whether the application waits for the client's body."""
        return self._waiter is not None and not self.complete

    def sweep(self, now: float, clients: Clients) -> bool:
        """While the application waits for it, a body must come, and not in drips.  Whether it failed to."""
        if not self.reading:
            return False
        limits = clients.limits
        self._active += min(now - self._waiting_since, clients.interval)
        stalled = now - self._waiting_since > limits.body_timeout
        dripping = self._active > limits.body_timeout and self._received < self._active * limits.body_rate
        if stalled or dripping:
            self.fail(ClientTimeout("The body arrived too slowly"))
        return stalled or dripping

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # what the application calls

    def take(self) -> bytes | None:
        """The whole body, where all of it is here already."""
        if not self.complete:
            return None
        data = self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)
        self.chunks.clear()
        self.size = 0
        return data

    async def receive(self) -> dict[str, Any]:
        """ASGI, but that a client's failure is raised as ClientFailed."""
        if self.expects_continue and not self.started:
            self.expects_continue = False
            self._outlet.write(CONTINUE)
        while not self.chunks and not self.complete:
            if self.failure is not None:
                raise self.failure
            self._waiter = asyncio.get_running_loop().create_future()
            self._waiting_since = monotonic()
            try:
                await self._waiter
            finally:
                self._waiter = None
        body = b"".join(self.chunks)
        self.chunks.clear()
        self.size = 0
        if self._paused:
            self._paused = False
            self._outlet.resume_reading()
        return {"type": "http.request", "body": body, "more_body": not self.complete}

    def answer(self, status: int, pieces: Pieces, body: bytes) -> None:
        """The whole answer at once; what two messages to ``send`` say."""
        start = self._render(status, pieces)
        data = self._frame(body, more=False)
        self.written = True
        if not self.gone:
            self._outlet.write_soon(start + data)
        self.answered = True
        self._protocol.on_answered(self)

    async def send(self, message: dict[str, Any]) -> None:
        """ASGI.  The head is written with the first piece of the body, or with an empty piece that announces more."""
        if message["type"] == "http.response.start":
            self._head = self._render(message["status"], pieces_of(message["headers"]))
            return
        body: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        data = self._frame(body, more=more)
        if self._head is not None:
            data, self._head = self._head + data, None
        self.written = True
        if not self.gone:
            if data:
                self._outlet.write(data)
            if more:
                await self._outlet.drained()
        if not more:
            self.answered = True
            self._protocol.on_answered(self)

    def _render(self, status: int, pieces: Pieces) -> bytes:
        self.started = True
        if not self.complete or self._protocol.leaving:  # what it still sends would be read as its next request
            self.keep_alive = False
        status_line = STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
        return b"".join([status_line[:-2], *pieces, *self._own_pieces(status, pieces), b"\r\n\r\n"])

    def _own_pieces(self, status: int, pieces: Pieces) -> Pieces:
        """The fields of this hop: how the body is framed, and what becomes of the connection."""
        own = [] if _DATE in pieces else pieces_of(self._protocol.default_headers)
        modern = self.scope["http_version"] == "1.1"
        if self.scope["method"] == "HEAD" or status in BODILESS:
            self._length = 0
        elif _LENGTH in pieces:
            self._length = int(pieces[pieces.index(_LENGTH) + 1])
        elif modern:
            self._length = None
            own += _CHUNKED
        else:
            self._length = None
            self.keep_alive = False
        if not self.keep_alive:
            own += (_CONNECTION, b"close")
        elif not modern:
            own += (_CONNECTION, b"keep-alive")
        return own

    def _frame(self, body: bytes, *, more: bool) -> bytes:
        if self.scope["method"] == "HEAD":
            return b""
        if self._length is None:
            if self.scope["http_version"] == "1.0":
                return body
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return chunk if more else chunk + b"0\r\n\r\n"
        self._length -= len(body)
        if self._length < 0 or (self._length and not more):
            raise ValueError("The answer's body is not as long as its Content-Length says")
        return body

    async def run(self, app: Any) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            self._outlet.abort()
        except Exception:
            logger.exception("An answer could not be sent")
        finally:
            if not self.answered:
                self._outlet.abort()
            self._protocol.on_ended(self)
            self.on_gone = self.task = None  # without cycles, nothing waits for the garbage collector
            del self.scope["payguard.turn"]
