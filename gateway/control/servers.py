"""The two listeners of the process, on one loop: the data port and the admin port, run by uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import uvicorn

from gateway.control.start import BadStart, why
from gateway.dataplane.chain import STOPPING
from gateway.dataplane.clients import Clients
from gateway.dataplane.protocol import ClientProtocol

BACKLOG = 2048
LINGERING = 0.1
"""Seconds in which a request that was under way when the listener closed becomes known as one."""


def bind(host: str, port: int, setting: str) -> socket.socket:
    """A socket that owns the address but does not listen yet; BadStart where that is not possible."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _unbound(host, port, setting, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _unbound(host, port, setting, error) from error
    return listener


def _unbound(host: str, port: int, setting: str, error: OSError) -> BadStart:
    return BadStart(f"cannot listen on {authority(host, port)} ({setting}): {why(error)}")


def authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Listener(uvicorn.Server):
    """One port.  It leaves signals to the process, and stops when it is told to.

    To stop: no new connections, those that the kernel had already accepted included; then each connection closes once
    it is idle.  What has not been answered within the deadline is cancelled.  ``handshake`` is how long a client's TLS
    handshake may take.
    """

    def __init__(self, config: uvicorn.Config, bound: socket.socket, handshake: float = 10.0) -> None:
        super().__init__(config)
        self._handshake = handshake
        host, port = bound.getsockname()[:2]
        self.url = f"{'https' if config.is_ssl else 'http'}://{authority(host, port)}"
        self.cut = 0
        """How many requests were cancelled at the deadline."""
        self._bound = bound
        self._leaving = asyncio.Event()
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take connections from now on; BadStart where another process was quicker to listen."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        try:
            self._bound.listen(BACKLOG)  # where uvloop cannot, it tells nobody
        except OSError as error:
            host, port = self._bound.getsockname()[:2]
            raise BadStart(f"cannot listen on {authority(host, port)}: {why(error)}") from error
        loop = asyncio.get_running_loop()
        shared = self._bound.dup()  # the loop owns and closes what it is given
        self.servers = [await loop.create_server(self._protocol, sock=shared, backlog=BACKLOG, **self._tls)]
        self.started = True
        self._ticking = asyncio.create_task(self.main_loop(), name=f"{self.url} ticks")

    async def stop(self, within: float) -> None:
        self._leaving.set()
        self.should_exit = True
        ticking, self._ticking = self._ticking, None
        if ticking is None:
            self._bound.close()
            return
        await ticking
        loop = asyncio.get_running_loop()
        until = loop.time() + within
        await self._close_port(within)
        await self._finish(max(0.0, until - loop.time()))

    def force(self) -> None:
        """End ``stop`` now, whatever is unanswered."""
        self.force_exit = True

    async def main_loop(self) -> None:
        """Once a second, as often as uvicorn's Date header changes."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._leaving.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def _close_port(self, within: float) -> None:
        """The kernel would reset the connections that wait to be accepted: accept them first."""
        for server in self.servers:
            server.close()
        accepted: list[socket.socket] = []
        with self._bound, contextlib.suppress(BlockingIOError):
            while True:
                accepted.append(self._bound.accept()[0])
        if admitted := [asyncio.create_task(self._admit(connection)) for connection in accepted]:
            _, shaking = await asyncio.wait(admitted, timeout=within)
            for handshake in shaking:
                handshake.cancel()
        await asyncio.sleep(LINGERING)

    async def _admit(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it has gone, or failed its TLS handshake
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection, **self._tls)

    @property
    def _tls(self) -> dict[str, Any]:
        context = self.config.ssl
        return {} if context is None else {"ssl": context, "ssl_handshake_timeout": self._handshake}

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    async def _finish(self, within: float) -> None:
        state = self.server_state
        for connection in tuple(state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while (state.connections or state.tasks) and not self.force_exit:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)  # uvicorn tells nobody when a connection ends
        if unanswered := tuple(state.tasks):
            self.cut = len(unanswered)
            for task in unanswered:
                task.cancel(STOPPING)
            await asyncio.wait(unanswered, timeout=1.0)


def data_listener(app: Any, bound: socket.socket, clients: Clients, tls: ssl.SSLContext | None) -> Listener:
    """The strict protocol, and nothing between it and the application."""
    config = _config(app, partial(ClientProtocol, clients=clients), tls)
    return Listener(config, bound, clients.limits.header_timeout)


def admin_listener(app: Any, bound: socket.socket) -> Listener:
    return Listener(_config(app, "httptools", None), bound)


def _config(app: Any, http: Any, tls: ssl.SSLContext | None) -> uvicorn.Config:
    factory: Callable[..., ssl.SSLContext] | None = None if tls is None else lambda *_: tls
    return uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        ssl_context_factory=factory,
    )
