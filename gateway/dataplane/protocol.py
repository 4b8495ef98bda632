"""The strict HTTP/1.1 protocol that uvicorn runs on the data port."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from time import monotonic
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.dataplane.clients import Clients
from gateway.dataplane.headers import REQUESTED
from gateway.dataplane.outlet import Outlet
from gateway.dataplane.problem import last_words
from gateway.dataplane.strictness import (
    HeadersTooLarge,
    HeadTooSlow,
    Refused,
    TargetTooLong,
    TooManyConnections,
    judge,
)
from gateway.dataplane.turn import Turn
from gateway.dataplane.upgrade import read_on
from gateway.errors import ClientFailed
from gateway.fields import Pieces
from gateway.ids import request_id

logger = logging.getLogger("payguard.clients")

_ASGI = {"version": "3.0", "spec_version": "2.3"}


class ClientProtocol(asyncio.Protocol):
    """One client's connection.  What is ambiguous is answered with a problem and the connection closed.

    A request becomes a turn only after all of its head, and what came with it, was found well-formed.  Trailers are
    dropped.  Pipelined requests are answered one after another; an upgrade that is not to WebSocket is ignored, as
    RFC 9110 §7.8 allows.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 - uvicorn's signature
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        clients: Clients,
    ) -> None:
        self._app = config.loaded_app
        self._state = server_state
        self._clients = clients
        self._limits = clients.limits
        self._loop = _loop or asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self.outlet = Outlet(self._loop, clients.joined)
        self._turn: Turn | None = None  # being answered
        self._queue: deque[Turn] = deque()  # to be answered
        self._fresh: list[Turn] = []  # read in this call of data_received
        self._incoming: Turn | None = None  # its body is being read
        self._refusal: Refused | None = None
        self._closing = False
        self._deaf = False
        self._since = 0.0
        self._in_head = False
        self._head_bytes = 0
        self._pipelined = False
        self._bodiless = 0  # bytes that came since the last byte of a body
        self._upgrading = False
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._judged: list[tuple[bytes, bytes]] = []
        self._pieces: Pieces = []

    # the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.outlet.connect(cast("asyncio.Transport", transport))  # uvloop's is one by its methods only
        self._since = monotonic()
        self._state.connections.add(self)  # type: ignore[arg-type]  # uvicorn names its own protocols
        name = transport.get_extra_info("peername")
        self._peer = name[0].partition("%")[0] if isinstance(name, tuple) else "unix"
        self._client = (self._peer, name[1] if isinstance(name, tuple) else 0)
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        if not self._clients.enter(self):
            self._refuse(TooManyConnections("Too many connections are open", headers={"retry-after": "1"}))
            self.outlet.close()  # nothing sweeps it, so it may not linger

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._clients.leave(self)
        self._state.connections.discard(self)
        self.outlet.lose()
        for turn in (self._turn, *self._queue):
            if turn is not None and not turn.answered:
                turn.lose()
        self._queue.clear()

    def eof_received(self) -> bool:
        """A client that closes its side has gone: what it has not sent will not come."""
        return False

    def shutdown(self) -> None:
        """uvicorn's: close now where idle, else after the answer."""
        self._closing = True
        if self._turn is None and not self._queue:
            self.outlet.close()
        for turn in (self._turn, *self._queue):
            if turn is not None:
                turn.keep_alive = False

    def abort(self) -> None:
        """The listener's, where a drain takes too long."""
        self.outlet.abort()

    def data_received(self, data: bytes) -> None:
        while data and not self._deaf:
            data = self._feed(data)

    def _feed(self, data: bytes) -> bytes:
        """Feed the parser; what is left to be fed to a new one, where this one stopped at an upgrade."""
        rest = b""
        if not self._in_head and self._incoming is None:
            self._in_head, self._since, self._head_bytes, self._pipelined = True, monotonic(), 0, False
        if self._in_head:
            self._head_bytes += len(data)
        self._bodiless += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrading = False
            self._parser = read_on(self, self._headers)
            rest = data[upgrade.args[0] :]
        except httptools.HttpParserCallbackError as error:
            self._start_fresh()
            self._refuse(error.__context__ if isinstance(error.__context__, Refused) else Refused(""))
            return b""
        except httptools.HttpParserError as error:
            self._garbled(str(error))
            return b""
        self._start_fresh()
        if self._in_head and self._head_bytes > self._limits.header_bytes + self._limits.target_bytes:
            self._refuse(HeadersTooLarge(f"The head of a request has at most {self._limits.header_bytes} bytes"))
        elif self._incoming is not None and self._bodiless > self._limits.header_bytes:
            self._garbled("its trailers or chunk extensions have no end")
            return b""
        return rest

    def _garbled(self, why: str) -> None:
        broken = self._incoming
        for unstarted in (self._fresh, self._queue):
            if broken is not None and broken in unstarted:
                unstarted.remove(broken)
                broken = None
        self._start_fresh()
        if broken is None:
            self._refuse(Refused(f"This is not HTTP/1.1: {why}"))
        else:
            self._deaf = True
            broken.fail(ClientFailed(f"The body is not HTTP/1.1: {why}"))

    # the parser's callbacks

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers, self._judged, self._pieces = [], [], []
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        self._target += url
        if len(self._target) > self._limits.target_bytes:
            raise TargetTooLong(f"A target has at most {self._limits.target_bytes} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer
        lower, beginning, judged = REQUESTED[name]
        self._headers.append((lower, value))
        if beginning is not None:
            self._pieces += (beginning, value)
        if judged:
            self._judged.append((lower, value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        version = parser.get_http_version()
        self._limit_headers()
        head = judge(parser.get_method(), version, self._target, self._judged)
        raw_path, _, query_string = head.target.partition(b"?")
        scope = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "method": head.method,
            "scheme": self._scheme,
            "path": head.path,
            "raw_path": raw_path,
            "query_string": query_string,
            "root_path": "",
            "headers": self._headers,
            "client": self._client,
            "server": None,
            "payguard.head": head,
        }
        self._in_head = False
        self._bodiless = 0
        self._upgrading = parser.should_upgrade()
        self._since = monotonic()
        keep_alive = parser.should_keep_alive() and not self._closing
        turn = Turn(self, scope, self._pieces, keep_alive=keep_alive, expects=head.expects_continue)
        self._incoming = turn
        self._fresh.append(turn)

    def _limit_headers(self) -> None:
        if len(self._headers) > self._limits.header_count:
            raise HeadersTooLarge(f"A request has at most {self._limits.header_count} header fields")
        if self._head_bytes <= self._limits.header_bytes and not self._pipelined:
            return  # all that has arrived, a body perhaps included, is no more
        if sum(len(name) + len(value) for name, value in self._headers) > self._limits.header_bytes:
            raise HeadersTooLarge(f"The headers of a request have at most {self._limits.header_bytes} bytes")

    def on_body(self, body: bytes) -> None:
        self._bodiless = 0
        if self._incoming is not None:
            self._incoming.feed(body)

    def on_message_complete(self) -> None:
        if self._upgrading:
            return  # for the parser it ends with its head; its body is still to be read
        if self._incoming is not None:
            self._incoming.finish()
            self._incoming = None
        self._head_bytes = 0
        self._pipelined = True

    # turns

    def _start_fresh(self) -> None:
        if not self._fresh:
            return
        self._queue.extend(self._fresh)
        self._fresh = []
        self._next()
        if len(self._queue) > 1:
            self.outlet.pause_reading()

    def _next(self) -> None:
        """Answer the next, unless one is being answered, or the client has not read enough of those before."""
        if self._turn is not None or self.outlet.full or not self._queue or not self.outlet.open:
            return
        self._turn = turn = self._queue.popleft()
        turn.task = self._loop.create_task(turn.run(self._app), name="turn")
        self._state.tasks.add(turn.task)

    def on_answered(self, turn: Turn) -> None:
        """The last byte of the answer was handed to the connection."""
        self._state.total_requests += 1
        self._turn = None
        self._since = monotonic()
        if not self.outlet.open:
            return
        if not turn.complete:
            self._linger()
        elif not turn.keep_alive:
            self.outlet.close()
        elif self._queue:
            self._next()
            if len(self._queue) <= 1:
                self.outlet.resume_reading()
        elif self._refusal is not None:
            self._refuse(self._refusal)
        elif self._closing:
            self.outlet.close()

    def on_ended(self, turn: Turn) -> None:
        """The application is done with it."""
        if turn.task is not None:
            self._state.tasks.discard(turn.task)

    def _refuse(self, error: Refused) -> None:
        """Answer with a problem and close, once the turns before it are answered."""
        self._deaf = True
        if self._turn is not None or self._queue:
            self._refusal = error
            return
        self._clients.refusals[error.code] += 1
        identifier = request_id()
        logger.info("refused %s from %s: %s", error.code, self._peer, error.detail, extra={"request_id": identifier})
        self.outlet.write(last_words(error, identifier))
        self._linger()

    def _linger(self) -> None:
        """Let the client read its answer before the connection closes under what it still sends."""
        self._deaf = True
        self._since = monotonic()
        self._in_head = False
        self._refusal = None
        self._incoming = None
        self.outlet.resume_reading()
        self.outlet.end()

    # what turns ask of it

    @property
    def leaving(self) -> bool:
        return self._clients.leaving

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        return self._state.default_headers

    # back-pressure

    def pause_writing(self) -> None:
        self.outlet.pause()

    def resume_writing(self) -> None:
        self.outlet.resume()
        self._next()

    # time

    def sweep(self, now: float) -> None:
        waited = now - self._since
        if self.outlet.full:
            self.outlet.sweep(now, self._limits.write_timeout)
        elif self._deaf and self._turn is None:
            if waited > self._limits.linger:
                self.outlet.abort()
        elif self._in_head:
            if self._turn is None and waited > self._limits.header_timeout:
                self._refuse(HeadTooSlow(f"The head did not arrive within {self._limits.header_timeout:g} s"))
        elif self._incoming is not None:
            self._deaf |= self._incoming.sweep(now, self._clients)
        elif self._turn is None and waited > self._limits.keep_alive:
            self.outlet.expire()
