"""The test kit: what this repository's tests use, and plugin authors too.

A rule alone: ``exchange()`` and ``scope()``.  A filter as it will run: ``running_gateway()`` in front of ``backend()``,
over real sockets.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

import httpx
import orjson
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from gateway import Body, Component, Config, Exchange, Headers, Received, Request, Response
from gateway.control.servers import data_listener
from gateway.dataplane.clients import ClientLimits, Clients
from gateway.store.memory import MemoryStore
from gateway.store.protocol import Store
from gateway.trace import continue_or_begin

T = TypeVar("T")
ComponentT = TypeVar("ComponentT", bound=Component[Any])
HeaderPairs = Mapping[str, str] | Iterable[tuple[str, str]]


def raw(headers: HeaderPairs) -> list[tuple[bytes, bytes]]:
    """Headers as they are received: names in small letters, repeated ones apart."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def exchange(
    method: str = "POST",
    path: str = "/v1/payments",
    *,
    query: str = "",
    headers: HeaderPairs = (),
    body: Body | bytes = b"",
    json: Any = None,
    facts: Iterable[object] = (),
    client: str = "203.0.113.7",
    peer: str | None = None,
    trusted: bool = False,
) -> Exchange:
    """An exchange as it reaches a filter.  ``json`` makes the body and its content type."""
    pairs = raw(headers)
    if json is not None:
        body = orjson.dumps(json)
        pairs.append((b"content-type", b"application/json"))
    whole = Body(body) if isinstance(body, bytes) else body
    target = f"{path}?{query}" if query else path
    received = Received(method, target.encode(), tuple(pairs), whole, client, peer or client, "http", trusted)
    request = Request(method, path, query=query, headers=Headers(raw=list(pairs)), body=whole)
    made = Exchange("request-1", received, request, continue_or_begin(None, 0))
    for fact in facts:
        made.put(fact)
    return made


def streaming(*chunks: bytes, length: int | None = None) -> Body:
    """A body that arrives piece by piece; without ``length`` it is a chunked one."""

    async def source() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return Body(source=source(), length=length)


class HandClock:
    """A clock whose hand the test moves."""

    def __init__(self) -> None:
        self._moved = 0.0
        self._started = time.time()

    def now(self) -> float:
        return self._started + self._moved

    def monotonic(self) -> float:
        return 1000.0 + self._moved

    def advance(self, seconds: float) -> None:
        self._moved += seconds


class HandTasks:
    """Background work that the test can wait for."""

    def __init__(self) -> None:
        self.running: set[asyncio.Task[Any]] = set()
        self.full = False

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> bool:
        if self.full:
            work.close()
            return False
        self.running.add(asyncio.create_task(work, name=name))
        return True

    async def done(self) -> None:
        """Until all that was started has ended; the first failure is raised."""
        while self.running:
            await self.running.pop()


@dataclass
class HandScope:
    """What a part is lent, each piece of it in the test's hand.  ``secrets`` are by reference: ``env:KEY``."""

    mode: Literal["enforce", "shadow"] = "enforce"
    store: Store = field(default_factory=MemoryStore)
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(transport=httpx.AsyncHTTPTransport()))
    clock: HandClock = field(default_factory=HandClock)
    tasks: HandTasks = field(default_factory=HandTasks)
    secrets: Mapping[str, str] = field(default_factory=dict)
    components: Iterable[Component[Any]] = ()
    shared: dict[tuple[type, str], object] = field(default_factory=dict)

    def secret(self, reference: str) -> str:
        if reference not in self.secrets:
            raise ValueError(f"{reference} names no secret")
        return self.secrets[reference]

    def share(self, config: Config, make: Callable[[], T]) -> T:
        return cast("T", self.shared.setdefault((type(config), config.identity()), make()))

    def component(self, kind: type[ComponentT]) -> ComponentT:
        return next(each for each in self.components if isinstance(each, kind))


scope = HandScope


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
        pairs = raw(headers)
        if json is not None:
            body = orjson.dumps(json)
            pairs.append((b"content-type", b"application/json"))
        self._script.append((Response(status, headers=Headers(raw=pairs), body=body), after))

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        self.seen.append(Seen(scope["method"], target.decode(), Headers(raw=list(scope["headers"])), bytes(body)))
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
async def serve(app: ASGIApp, limits: ClientLimits | None = None) -> AsyncIterator[str]:
    """Serve an application on a free port of the loopback interface, with the gateway's own protocol; its URL."""
    bound = socket.create_server(("127.0.0.1", 0))
    bound.setblocking(False)
    listener = data_listener(app, bound, Clients(limits or ClientLimits()), None)
    await listener.start()
    try:
        yield listener.url
    finally:
        await listener.stop(within=1.0)
