"""The pool as an httpx transport: plugins, checks and jobs speak plain httpx over it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from functools import partial
from time import monotonic
from typing import Any

import httpx

from gateway.dataplane.answer import Answer
from gateway.dataplane.connection import Connection
from gateway.dataplane.pool import Address, Pool, PoolOptions
from gateway.errors import ConnectTimeout, FirstByteTimeout, PoolExhausted, UpstreamBroken, UpstreamError

_HOP = frozenset({"connection", "transfer-encoding", "content-length"})


class PoolTransport(httpx.AsyncBaseTransport):
    """A pool for each origin, at most ``origins`` of them, made when first asked for.

    httpx's connect, read and pool timeouts hold; its errors are raised: ConnectError, ConnectTimeout, PoolTimeout,
    ReadTimeout, RemoteProtocolError.  Nothing is retried.
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
        try:
            connection = await self._pool(request.url).acquire(monotonic() + (timeouts.get("connect") or 60.0))
            answer = connection.begin(
                _head(request, len(body)) + body, head_only=request.method == "HEAD", written=True
            )
            stream = _Stream(connection, answer, timeouts.get("read"))
            stream.limit()
            await answer.read_head()
        except UpstreamError as error:
            raise _translated(error)(error.detail, request=request) from error
        except asyncio.CancelledError:
            if "connection" in locals():
                connection.close()
            raise
        return httpx.Response(answer.status, headers=answer.headers, stream=stream)

    def _pool(self, url: httpx.URL) -> Pool:
        key = (url.scheme, url.host, url.port)
        if (pool := self._pools.get(key)) is None:
            if len(self._pools) >= self._most:
                raise PoolExhausted(f"Connections to {self._most} origins are kept; {url.host} would be one more")
            pool = self._pools[key] = Pool(self._address(url), self._options)
        return pool

    def _address(self, url: httpx.URL) -> Address:
        tls = (self._tls or ssl.create_default_context()) if url.scheme == "https" else None
        return Address(url.scheme, url.host, url.port or (443 if tls else 80), tls=tls)

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.close()
        self._pools.clear()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, connection: Connection, answer: Answer, read: float | None) -> None:
        self._connection = connection
        self._answer = answer
        self._read = read

    def limit(self) -> None:
        if self._read is not None:
            late = partial(FirstByteTimeout, f"Nothing was read for {self._read:g} s")
            self._answer.limit(monotonic() + self._read, late)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while True:
                self.limit()
                if not (data := await self._answer.read()):
                    return
                yield data
        except UpstreamError as error:
            raise _translated(error)(error.detail) from error

    async def aclose(self) -> None:
        self._answer.unlimit()
        if not self._answer.complete:
            self._connection.close()


def _head(request: httpx.Request, length: int) -> bytes:
    target = request.url.raw_path.decode("ascii")
    fields = [(name, value) for name, value in request.headers.raw if name.decode("latin-1").lower() not in _HOP]
    if length or request.method in {"POST", "PUT", "PATCH"}:
        fields.append((b"content-length", b"%d" % length))
    return (
        f"{request.method} {target} HTTP/1.1\r\n".encode()
        + b"".join([b"%b: %b\r\n" % field for field in fields])
        + b"\r\n"
    )


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
