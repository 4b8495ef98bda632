"""The pool as an httpx transport: plugins, checks and jobs speak plain httpx over it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from functools import partial
from time import monotonic
from typing import Any

import httpx

from gateway.dataplane.answer import Answer
from gateway.dataplane.connection import Connection
from gateway.dataplane.headers import head
from gateway.dataplane.pool import Address, Pool, PoolOptions
from gateway.errors import ConnectTimeout, FirstByteTimeout, PoolExhausted, UpstreamBroken, UpstreamError
from gateway.fields import HOP_BY_HOP

_WRITTEN_ANEW = HOP_BY_HOP | {b"content-length"}


class PoolTransport(httpx.AsyncBaseTransport):
    """A pool for each origin, at most ``origins`` of them at once, made when first asked for.

    httpx's connect, read and pool timeouts hold, and so do the options' where they are shorter; its errors are raised:
    ConnectError, ConnectTimeout, PoolTimeout, ReadTimeout, RemoteProtocolError, LocalProtocolError,
    UnsupportedProtocol.  Nothing is retried.
    """

    def __init__(
        self, options: PoolOptions | None = None, *, tls: ssl.SSLContext | None = None, origins: int = 64
    ) -> None:
        self._options = options or PoolOptions()
        self._tls = tls
        self._most = origins
        self._pools: dict[tuple[str, str, int | None], Pool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts: dict[str, Any] = request.extensions.get("timeout", {})
        body = await request.aread()
        data = _head(request, len(body)) + body
        try:
            connection = await self._acquire(request.url, timeouts)
            answer = connection.begin(data, head_only=request.method == "HEAD", written=True)
            stream = _Stream(connection, answer, timeouts.get("read"))
            await stream.begin()
        except UpstreamError as error:
            raise _translated(error)(error.detail, request=request) from error
        return httpx.Response(answer.status, headers=answer.headers, stream=stream)

    async def _acquire(self, url: httpx.URL, timeouts: dict[str, Any]) -> Connection:
        connect = timeouts.get("connect")
        until = monotonic() + (60.0 if connect is None else connect)
        return await self._pool(url).acquire(until, wait=timeouts.get("pool"))

    def _pool(self, url: httpx.URL) -> Pool:
        key = (url.scheme, url.host, url.port)
        if (pool := self._pools.get(key)) is None:
            if len(self._pools) >= self._most:
                self._forget_unused()
            pool = self._pools[key] = Pool(self._address(url), self._options)
        return pool

    def _forget_unused(self) -> None:
        unused = next((key for key, pool in self._pools.items() if pool.unused), None)
        if unused is None:
            raise PoolExhausted(f"Connections to {self._most} origins are in use, and no more are kept")
        del self._pools[unused]

    def _address(self, url: httpx.URL) -> Address:
        if url.scheme not in {"http", "https"}:
            raise httpx.UnsupportedProtocol(f"The pool speaks http and https, not {url.scheme!r}")
        if url.scheme == "http":
            return Address("http", url.host, url.port or 80)
        self._tls = self._tls or ssl.create_default_context()
        return Address("https", url.host, url.port or 443, tls=self._tls)

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.close()
        self._pools.clear()


class _Stream(httpx.AsyncByteStream):
    """The answer's body.  ``read`` limits each wait for the upstream, never how long the reader takes."""

    def __init__(self, connection: Connection, answer: Answer, read: float | None) -> None:
        self._connection = connection
        self._answer = answer
        self._read = read

    async def begin(self) -> None:
        """Read the head."""
        self._limit()
        try:
            await self._answer.read_head()
        except BaseException:
            self._connection.leave(self._answer)
            raise
        self._answer.unlimit()

    def _limit(self) -> None:
        if self._read is not None:
            late = partial(FirstByteTimeout, f"Nothing was read for {self._read:g} s")
            self._answer.limit(monotonic() + self._read, late)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while True:
                self._limit()
                data = await self._answer.read()
                self._answer.unlimit()
                if not data:
                    return
                yield data
        except UpstreamError as error:
            raise _translated(error)(error.detail) from error

    async def aclose(self) -> None:
        self._answer.unlimit()
        self._connection.leave(self._answer)


def _head(request: httpx.Request, length: int) -> bytes:
    fields = [(name.lower(), value) for name, value in request.headers.raw]
    fields = [field for field in fields if field[0] not in _WRITTEN_ANEW]
    if length or request.method in {"POST", "PUT", "PATCH"}:
        fields.append((b"content-length", b"%d" % length))
    try:
        start = f"{request.method} {request.url.raw_path.decode('ascii')} HTTP/1.1\r\n".encode("ascii")
        return head(start, fields)
    except ValueError as error:
        raise httpx.LocalProtocolError(str(error), request=request) from error


def _translated(error: UpstreamError) -> type[httpx.TransportError]:
    match error:
        case ConnectTimeout():
            return httpx.ConnectTimeout
        case PoolExhausted():
            return httpx.PoolTimeout
        case FirstByteTimeout():
            return httpx.ReadTimeout
        case UpstreamBroken():
            return httpx.RemoteProtocolError
    return httpx.ConnectError
