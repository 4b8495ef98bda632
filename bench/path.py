"""The request path with the sockets taken out: what is left is the gateway's work without the kernel's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from bench.workload import ANSWER, POST
from gateway.dataplane.app import DataPlane
from gateway.dataplane.chain import Chain
from gateway.dataplane.clients import ClientLimits, Clients
from gateway.dataplane.connection import Connection
from gateway.dataplane.pool import Address, Pool, PoolOptions
from gateway.dataplane.protocol import ClientProtocol
from gateway.dataplane.retry import Retry
from gateway.dataplane.router import Match
from gateway.dataplane.snapshot import Active, Route, Snapshot
from gateway.dataplane.upstream import Timeouts, Upstream
from gateway.exchange import Exchange
from gateway.parts import Filter

_ANSWERED = b"\r\n".join(
    [
        b"HTTP/1.1 200 OK",
        b"Server: nginx",
        b"Date: Mon, 23 Nov 2026 00:58:16 GMT",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(ANSWER),
        b"Connection: keep-alive",
        b"",
        ANSWER,
    ]
)

Observed = Callable[[Exchange], None]


class _Wire(asyncio.Transport):
    """A transport that hands what is written to ``read``."""

    def __init__(self, read: Callable[[bytes], object]) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self._read = read

    def write(self, data: Any) -> None:
        self._read(data)

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


class InstantPool(Pool):
    """Its connections answer in the next turn of the loop."""

    def __init__(self) -> None:
        super().__init__(Address("http", "origin", 80), PoolOptions())

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        connection = Connection(self)
        connection.connection_made(_Wire(lambda _: loop.call_soon(connection.data_received, _ANSWERED)))
        return connection


def upstream() -> Upstream:
    return Upstream("origin", InstantPool(), Timeouts(), Retry())


def data_plane(filters: Sequence[Filter[Any]] = (), observers: Sequence[Observed] = ()) -> DataPlane:
    chain = Chain([(step, "enforce") for step in filters], upstream())
    return DataPlane(Active(Snapshot("bench", [Route("all", Match(prefix="/"), chain)], observers=observers)))


class Path:
    """Client connections to a data plane.  ``serve(count)`` lets them ask so often in all, each its next at once."""

    def __init__(self, application: DataPlane, connections: int = 32, *, request: bytes | None = None) -> None:
        config = uvicorn.Config(application, interface="asgi3", proxy_headers=False, lifespan="off", log_config=None)
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"Mon, 23 Nov 2026 00:58:16 GMT")]
        self._loop = asyncio.get_running_loop()
        self._request = POST.encode() if request is None else request
        self._left = 0
        self._done = self._loop.create_future()
        connect = partial(ClientProtocol, config, state, {}, clients=Clients(ClientLimits()))
        self._clients = [self._client(connect()) for _ in range(connections)]

    def _client(self, protocol: ClientProtocol) -> ClientProtocol:
        protocol.connection_made(_Wire(partial(self._answered, protocol)))
        return protocol

    def _answered(self, protocol: ClientProtocol, answer: bytes) -> None:
        assert answer.startswith(b"HTTP/1.1 200"), answer
        self._left -= 1
        if self._left >= len(self._clients):
            self._loop.call_soon(protocol.data_received, self._request)
        elif not self._left:
            self._done.set_result(None)

    async def serve(self, count: int) -> None:
        self._left = count
        self._done = self._loop.create_future()
        for protocol in self._clients:
            protocol.data_received(self._request)
        await self._done
