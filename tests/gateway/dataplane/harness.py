"""A gateway between two raw sockets: what a client writes and an upstream answers, byte by byte."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from gateway.dataplane.app import DataPlane
from gateway.dataplane.chain import Chain
from gateway.dataplane.clients import ClientLimits, Clients
from gateway.dataplane.payment import PaymentReader
from gateway.dataplane.pool import Address, Pool, PoolOptions
from gateway.dataplane.protocol import ClientProtocol
from gateway.dataplane.retry import Retry
from gateway.dataplane.router import Match
from gateway.dataplane.snapshot import Active, Route, Snapshot
from gateway.dataplane.upstream import Timeouts, Upstream
from gateway.exchange import Exchange
from gateway.parts import Config, Filter
from gateway.testing import scope

PATIENT = 5.0
"""Seconds after which something that should have happened has not; no test waits for them to pass."""

LIMITS = ClientLimits(
    header_timeout=PATIENT, body_timeout=PATIENT, write_timeout=PATIENT, keep_alive=PATIENT, linger=0.5
)
TIMEOUTS = Timeouts(first_byte=PATIENT, idle=PATIENT, total=PATIENT)
ONCE = Retry(attempts=1)

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def until(condition: Callable[[], object]) -> None:
    """Until ``condition`` holds, of which nobody tells."""
    async with asyncio.timeout(PATIENT):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


@dataclass(frozen=True, slots=True)
class Message:
    """One HTTP message as its bytes were: ``head`` with its empty line, ``body`` without its framing."""

    head: bytes
    body: bytes

    @property
    def start(self) -> str:
        return self.head.partition(b"\r\n")[0].decode("latin-1")

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    @property
    def target(self) -> str:
        return self.start.split(" ")[1]

    @property
    def headers(self) -> list[tuple[str, str]]:
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]

    def get(self, name: str) -> str | None:
        """The value of a field that occurs once; None where it does not occur."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} occurs {len(values)} times"
        return values[0] if values else None


class Wire:
    """One side of a connection.  What it reads, it must read within PATIENT seconds."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def finish(self) -> None:
        """Send no more (a FIN); what comes can still be read."""
        self.writer.write_eof()

    def reset(self) -> None:
        """Break the connection with a RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()

    async def read(self, most: int = 1 << 16) -> bytes:
        """Some bytes; none at the end."""
        async with asyncio.timeout(PATIENT):
            return await self.reader.read(most)

    async def exactly(self, count: int) -> bytes:
        async with asyncio.timeout(PATIENT):
            return await self.reader.readexactly(count)

    async def line(self) -> bytes:
        """Up to and with the next line break."""
        async with asyncio.timeout(PATIENT):
            return await self.reader.readuntil(b"\r\n")

    async def rest(self) -> bytes:
        """All that comes until the other side ends the connection, be it with a reset."""
        data = b""
        with suppress(ConnectionError):
            while piece := await self.read():
                data += piece
        return data

    async def head(self) -> bytes:
        """A message's head with its empty line."""
        async with asyncio.timeout(PATIENT):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def body(self, head: bytes, *, bodiless: bool = False) -> bytes:
        """The body that ``head`` announces, without its framing; of an answer without length, all until the end."""
        message = Message(head, b"")
        if bodiless:
            return b""
        if message.get("transfer-encoding") == "chunked":
            return b"".join([chunk async for chunk in self.chunks()])
        if (length := message.get("content-length")) is not None:
            return await self.exactly(int(length))
        return await self.rest() if head.startswith(b"HTTP/") else b""

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The chunks of a chunked body as they come; its trailers are read and forgotten."""
        while size := int((await self.line()).partition(b";")[0], 16):
            yield await self.exactly(size)
            assert await self.exactly(2) == b"\r\n"
        while await self.line() != b"\r\n":
            pass


class Client(Wire):
    """A connection to the gateway."""

    async def answer(self, *, to: str = "GET") -> Message:
        """The next answer; ``to`` is the method that was asked, since HEAD's answer has no body."""
        head = await self.head()
        bodiless = to == "HEAD" or Message(head, b"").status in {100, 204, 304}
        return Message(head, await self.body(head, bodiless=bodiless))

    async def ask(self, data: bytes, *, to: str = "GET") -> Message:
        await self.send(data)
        return await self.answer(to=to)


class Peer(Wire):
    """The upstream's side of a connection.  ``number`` counts the upstream's connections from 1."""

    number = 0
    first = b""
    """What was read of a request to know that it comes."""

    async def asked(self) -> bool:
        """Whether a request begins, or the connection ends."""
        self.first = await self.reader.read(1)
        return bool(self.first)

    async def head(self) -> bytes:
        first, self.first = self.first, b""
        return first + await super().head()

    async def request(self) -> Message:
        head = await self.head()
        return Message(head, await self.body(head))


Talk = Callable[[Peer], Awaitable[object]]
"""What an upstream does on a connection with one request; an answer as bytes is read-all-then-write."""


def answering(*pieces: bytes | asyncio.Event) -> Talk:
    """Read a whole request, then write the pieces; an event among them is waited for."""

    async def talk(peer: Peer) -> Message:
        request = await peer.request()
        for piece in pieces:
            if isinstance(piece, asyncio.Event):
                await piece.wait()
            else:
                await peer.send(piece)
        return request

    return talk


def then_closes(talk: Talk) -> Talk:
    """Close the connection after ``talk``."""

    async def closing(peer: Peer) -> object:
        result = await talk(peer)
        await peer.close()
        return result

    return closing


async def closes(peer: Peer) -> None:
    """Close at once, whatever was sent."""
    await peer.close()


async def reads_and_closes(peer: Peer) -> Message:
    request = await peer.request()
    await peer.close()
    return request


async def reads_and_resets(peer: Peer) -> Message:
    request = await peer.request()
    peer.reset()
    return request


class RawUpstream:
    """An upstream that does what it was told, talk by talk, then answers ``otherwise``.

    A talk begins when the first byte of a request is there; those ``at_connect`` when a connection is, before that.
    What talks return, requests as they were read, is in ``requests``, in order.
    """

    def __init__(self, otherwise: bytes = OK) -> None:
        self.port = 0
        self.at_connect: deque[Talk] = deque()
        self.requests: list[Message] = []
        self.peers: list[Peer] = []
        self._asked: asyncio.Queue[Message] = asyncio.Queue()
        self._talks: deque[Talk] = deque()
        self._otherwise = answering(otherwise)
        self._talking: set[asyncio.Task[Any]] = set()

    def will(self, *talks: Talk | bytes) -> None:
        self._talks.extend(answering(talk) if isinstance(talk, bytes) else talk for talk in talks)

    async def asked(self) -> Message:
        """The next request whose talk is over; waited for."""
        async with asyncio.timeout(PATIENT):
            return await self._asked.get()

    async def connected(self, number: int = 1) -> Peer:
        """The connection of that number, once it is there."""
        await until(lambda: len(self.peers) >= number)
        return self.peers[number - 1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        peer.number = len(self.peers)
        task = asyncio.current_task()
        assert task is not None
        self._talking.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                if self.at_connect:
                    await self.at_connect.popleft()(peer)
                while not writer.is_closing() and await peer.asked():
                    await self._talk(peer)
        except asyncio.CancelledError:
            pass
        finally:
            self._talking.discard(task)
            writer.close()

    async def _talk(self, peer: Peer) -> None:
        talk = self._talks.popleft() if self._talks else self._otherwise
        result = await talk(peer)
        if isinstance(result, Message):
            self.requests.append(result)
            self._asked.put_nowait(result)

    async def close(self) -> None:
        for task in tuple(self._talking):
            task.cancel()
        if self._talking:
            await asyncio.wait(self._talking)


@asynccontextmanager
async def raw_upstream(*talks: Talk | bytes, otherwise: bytes = OK) -> AsyncGenerator[RawUpstream, None]:
    upstream = RawUpstream(otherwise)
    upstream.will(*talks)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
        await upstream.close()
        await server.wait_closed()


@dataclass
class Port:
    """What serves on ``port``, and the connections to it."""

    port: int
    clients: Clients
    state: ServerState
    _stack: AsyncExitStack = field(repr=False)

    async def connect(self, *, receive_buffer: int | None = None) -> Client:
        """A new connection, closed with the port; a small ``receive_buffer`` makes a client that reads little."""
        sock = socket.socket()
        sock.setblocking(False)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        limit = 1 << 16 if receive_buffer is None else 1 << 10
        client = Client(*await asyncio.open_connection(sock=sock, limit=limit))
        self._stack.push_async_callback(client.close)
        return client

    async def ask(self, data: bytes, *, to: str = "GET") -> Message:
        """The answer to ``data`` on a connection of its own."""
        return await (await self.connect()).ask(data, to=to)


@dataclass
class Gateway(Port):
    """A gateway; ``ended`` gets each exchange once its observers are told."""

    app: DataPlane
    pool: Pool
    upstream: Upstream
    snapshot: Snapshot
    ended: asyncio.Queue[Exchange]

    async def exchange(self) -> Exchange:
        """The next exchange that has ended; waited for, since it ends after its last byte."""
        async with asyncio.timeout(PATIENT):
            return await self.ended.get()


@asynccontextmanager
async def gateway(
    to: RawUpstream | Address | None = None,
    *,
    filters: Sequence[Filter | tuple[Filter, str]] = (),
    routes: Callable[[Upstream], Sequence[Route]] | None = None,
    match: Match | None = None,
    payment: PaymentReader | None = None,
    operation: str | None = None,
    buffer: int = 1 << 20,
    shadow_timeout: float = PATIENT,
    limits: ClientLimits = LIMITS,
    timeouts: Timeouts = TIMEOUTS,
    retry: Retry = ONCE,
    pool: PoolOptions | None = None,
    trusted: Sequence[Any] = (),
    mask: Callable[[bytes], bytes] = bytes,
    default_headers: Sequence[tuple[bytes, bytes]] = (),
    **upstream_options: Any,
) -> AsyncGenerator[Gateway, None]:
    """A gateway on a free port with one route to ``to``, or those that ``routes`` makes for its upstream."""
    address = to if isinstance(to, Address) else Address("http", "127.0.0.1", to.port if to is not None else 1)
    upstream_pool = Pool(address, pool or PoolOptions(connect=PATIENT, wait=PATIENT))
    upstream = Upstream("backend", upstream_pool, timeouts, retry, **upstream_options)
    steps: list[Any] = [step if isinstance(step, tuple) else (step, "enforce") for step in filters]
    chain = Chain(steps, upstream, payment=payment, buffer=buffer, shadow_timeout=shadow_timeout)
    made = routes(upstream) if routes else [Route("all", match or Match(prefix="/"), chain, operation)]
    ended: asyncio.Queue[Exchange] = asyncio.Queue()
    snapshot = Snapshot("digest", made, observers=[ended.put_nowait])
    app = DataPlane(Active(snapshot), trusted=trusted, mask=mask)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(upstream_pool.close)
        port = await stack.enter_async_context(listening(app, limits, default_headers))
        yield Gateway(
            port.port,
            port.clients,
            port.state,
            stack,
            app=app,
            pool=upstream_pool,
            upstream=upstream,
            snapshot=snapshot,
            ended=ended,
        )


@asynccontextmanager
async def listening(
    app: Any, limits: ClientLimits = LIMITS, default_headers: Sequence[tuple[bytes, bytes]] = ()
) -> AsyncGenerator[Port, None]:
    """The protocol alone, in front of an ASGI application."""
    clients = Clients(limits)
    config = uvicorn.Config(app, interface="asgi3", lifespan="off", ws="none", log_config=None, proxy_headers=False)
    config.load()
    state = ServerState()
    state.default_headers = list(default_headers)
    protocol = partial(ClientProtocol, config, state, {}, clients=clients)
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    try:
        async with AsyncExitStack() as stack:
            yield Port(server.sockets[0].getsockname()[1], clients, state, stack)
    finally:
        server.close()
        for task in (running := tuple(state.tasks)):
            task.cancel()
        if running:
            await asyncio.wait(running)
        for connection in tuple(state.connections):
            connection.abort()  # type: ignore[union-attr]
        await server.wait_closed()


def filter_of(name: str = "step", config: Config | None = None, **members: Any) -> Filter:
    """A filter with these members: ``on_request`` and ``on_response`` are given as functions of the exchange."""

    def method(call: Callable[[Exchange], Awaitable[Any]]) -> Callable[[Filter, Exchange], Awaitable[Any]]:
        return lambda _, exchange: call(exchange)

    bound = {key: method(value) if key.startswith("on_") else value for key, value in members.items()}
    return type("Made", (Filter,), {"name": name, **bound})(config or Config(), scope())
