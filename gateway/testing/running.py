"""A filter as it will run: a gateway in front of a backend, on real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import orjson
from starlette.types import Receive, Scope, Send

from gateway import Component, Exchange, Filter, Guard, Headers, Observer, Part, Resolver, Response, hookimpl
from gateway.control.compiler import Compiler
from gateway.control.core_parts import COMPONENTS
from gateway.control.plugin_sources import Plugin, import_all
from gateway.control.plugins import assemble
from gateway.control.scope import Services
from gateway.control.servers import data_listener
from gateway.control.settings import BUILT_IN
from gateway.crypto.protocol import Keyring
from gateway.crypto.salts import Salts
from gateway.database.protocol import Database
from gateway.dataplane.app import DataPlane
from gateway.dataplane.clients import ClientLimits, Clients
from gateway.dataplane.snapshot import Active
from gateway.detections import Detections
from gateway.ledger.protocol import Ledger
from gateway.store.memory import MemoryStore
from gateway.store.protocol import Store
from gateway.testing.alone import ComponentT, HeaderPairs, content

App = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as the backend saw it."""

    method: str
    target: str
    headers: Headers
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


class Backend:
    """An upstream that answers what it was told to, in that order, then ``200 {}``; it remembers what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self._arrivals: asyncio.Queue[Seen] = asyncio.Queue()
        self._script: deque[tuple[Response, asyncio.Event | None]] = deque()

    def will_answer(
        self,
        status: int = 200,
        *,
        json: Any = None,
        body: bytes = b"",
        headers: HeaderPairs = (),
        after: asyncio.Event | None = None,
    ) -> None:
        """The next answer that is not scripted yet; it is held back until ``after`` is set."""
        pairs, body = content(headers, body, json)
        self._script.append((Response(status, headers=Headers(raw=pairs), body=body), after))

    async def asked(self) -> Seen:
        """The next request that reaches it; waited for, since its answer may be held back."""
        return await self._arrivals.get()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        self.seen.append(Seen(scope["method"], target.decode(), Headers(raw=list(scope["headers"])), bytes(body)))
        self._arrivals.put_nowait(self.seen[-1])
        if not self._script:
            self.will_answer(json={})
        response, after = self._script.popleft()
        if after is not None:
            await after.wait()
        content = response.body.data or b""
        headers = [*response.headers.raw, (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


@asynccontextmanager
async def backend() -> AsyncIterator[Backend]:
    """A backend on a real socket; its ``url`` is where."""
    made = Backend()
    async with serve(made) as made.url:
        yield made


@asynccontextmanager
async def serve(app: App, limits: ClientLimits | None = None) -> AsyncIterator[str]:
    """Serve an application on a free port of the loopback interface, with the gateway's own protocol; its URL."""
    bound = socket.create_server(("127.0.0.1", 0))
    bound.setblocking(False)
    listener = data_listener(app, bound, Clients(limits or ClientLimits()), None)
    await listener.start()
    try:
        yield listener.url
    finally:
        await listener.stop(within=1.0)


class Client(httpx.AsyncClient):
    """A client of a running gateway."""

    def __init__(
        self,
        url: str,
        ended: asyncio.Queue[Exchange],
        components: Sequence[Component[Any]] = (),
        detections: Detections | None = None,
    ) -> None:
        super().__init__(base_url=url)
        self.detections = Detections() if detections is None else detections
        """What its routes with ``detect`` have reported."""
        self._ended = ended
        self._components = components

    def component(self, kind: type[ComponentT]) -> ComponentT:
        """The gateway's component of this class.  Its jobs do not run by themselves: call them."""
        return next(each for each in self._components if isinstance(each, kind))

    async def ended(self) -> Exchange:
        """The next exchange that has ended, as observers see it; waited for, since it ends after its last byte."""
        return await self._ended.get()


@asynccontextmanager
async def running_gateway(
    upstream: str = "",
    *,
    filters: Sequence[str | Mapping[str, Any]] = (),
    policy: str | None = None,
    plugins: Iterable[type[Part[Any]]] = (),
    plugin_dirs: Iterable[Path] = (),
    trusted: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    ledger: Ledger | None = None,
    keyring: Keyring | None = None,
    database: Database | None = None,
    store: Store | None = None,
) -> AsyncIterator[Client]:
    """A gateway on a real socket, with the built-in plugins; a client of it.

    It serves ``policy``, the text of a policy file, or else one route with ``filters`` to the URL ``upstream``.
    Further parts are given as classes or as directories; ``trusted`` names networks whose headers are believed, and
    ``environ`` holds secrets.  Payments are recorded in ``ledger``, and without one nowhere; what is kept of their
    bodies is sealed by ``keyring``, and without one nothing is.  ``store`` is one that gateways share; ``database``
    is for tables of plugins.  Who made them closes what is left of them.
    """
    text = policy or orjson.dumps(_one_route(upstream, filters)).decode()
    registry = assemble([*import_all(BUILT_IN, plugin_dirs), _plugin_of(plugins)]).registry
    services = Services(
        store=MemoryStore() if store is None else store,  # one that holds nothing yet is false
        local=None if store is None else MemoryStore(),
        salts=Salts.parse("00" * 16),
        environ=environ or {},
        ledger=ledger,
        keyring=keyring,
        database=database,
    )
    ended: asyncio.Queue[Exchange] = asyncio.Queue()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(services.close)
        compiler = Compiler(registry, services, components=COMPONENTS, observers=[ended.put_nowait])
        snapshot = compiler.compile(text, "policy.yaml")
        services.active = lambda: snapshot
        stack.push_async_callback(snapshot.close)
        await snapshot.open()
        stack.push_async_callback(snapshot.drained)
        app = DataPlane(Active(snapshot), trusted=[ip_network(each) for each in trusted])
        url = await stack.enter_async_context(serve(app))
        yield await stack.enter_async_context(Client(url, ended, snapshot.components, services.detections))


def plugin_module(path: Path) -> ModuleType:
    """The module of a plugin's file or folder, imported as the gateway imports it."""
    return next(plugin.module for plugin in import_all((), [path.parent]) if plugin.name == path.stem)


def _plugin_of(parts: Iterable[type[Part[Any]]]) -> Plugin:
    """Classes as the plugin that they would be, so that what a plugin may not do, they may not."""
    module, kinds = ModuleType("parts"), tuple(parts)
    bases = {
        "filters": Filter,
        "guards": Guard,
        "observers": Observer,
        "components": Component,
        "resolvers": Resolver,
    }
    for word, base in bases.items():
        setattr(module, f"register_{word}", hookimpl(_returning([kind for kind in kinds if issubclass(kind, base)])))
    return Plugin("parts", module)


def _returning(kinds: list[type[Any]]) -> Callable[[], list[type[Any]]]:
    return lambda: kinds


def _one_route(upstream: str, filters: Sequence[str | Mapping[str, Any]]) -> dict[str, Any]:
    route = {"name": "all", "match": {"prefix": "/"}, "upstream": "backend", "filters": filters}
    return {"version": 1, "upstreams": {"backend": {"url": upstream}}, "routes": [route]}
