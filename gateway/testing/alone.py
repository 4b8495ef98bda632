"""A rule alone: an exchange as a filter sees it, and a scope whose every piece is in the test's hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

import httpx
import orjson

from gateway import Body, Component, Config, Exchange, Headers, Received, Request, Response
from gateway.audit.protocol import NOTHING
from gateway.crypto.fields import FieldCipher
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.protocol import Keyring
from gateway.crypto.salts import Salts
from gateway.database.protocol import Database
from gateway.exchange import SAFE_METHODS
from gateway.ledger.protocol import Ledger
from gateway.parts import Severity
from gateway.store.memory import MemoryStore
from gateway.store.protocol import Store
from gateway.trace import continue_or_begin

T = TypeVar("T")
BodyT = TypeVar("BodyT", bytes, Body | bytes)
ComponentT = TypeVar("ComponentT", bound=Component[Any])
HeaderPairs = Mapping[str, str] | Iterable[tuple[str, str]]


def content(headers: HeaderPairs, body: BodyT, json: Any) -> tuple[list[tuple[bytes, bytes]], BodyT | bytes]:
    """Headers as they are received, names in small letters and repeated ones apart; and the body, if by ``json``."""
    given = headers.items() if isinstance(headers, Mapping) else headers
    pairs: list[tuple[bytes, bytes]] = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in given
    ]
    if json is None:
        return pairs, body
    return [*pairs, (b"content-type", b"application/json")], orjson.dumps(json)


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
    pairs, body = content(headers, body, json)
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

    async def source() -> AsyncGenerator[bytes]:
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

    place: str = "test"
    operation: str | None = None
    mode: Literal["enforce", "shadow"] = "enforce"
    store: Store = field(default_factory=MemoryStore)
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(transport=httpx.AsyncHTTPTransport()))
    clock: HandClock = field(default_factory=HandClock)
    tasks: HandTasks = field(default_factory=HandTasks)
    secrets: Mapping[str, str] = field(default_factory=dict)
    components: Iterable[Component[Any]] = ()
    shared: dict[tuple[type, str], object] = field(default_factory=dict)
    salts: Salts = field(default_factory=lambda: Salts([("test", b"a salt of the tests alone")]))
    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """Code, severity and detail of what was told."""
    audited: list[dict[str, Any]] = field(default_factory=list)
    """Entries of the audit trail: action, subject, outcome, principal, ip and detail."""
    fetched: list[tuple[Request, tuple[object, ...]]] = field(default_factory=list)
    """Requests that were fetched, with the facts given."""
    answers: Callable[[Request], Response] = lambda _: Response(200)
    """What they are answered."""
    records: Ledger | None = None
    tables: Database | None = None

    @property
    def local(self) -> Store:
        return self.store

    @property
    def store_or_local(self) -> Store:
        return self.store

    @property
    def database(self) -> Database:
        assert self.tables is not None, "give the scope a database: tables=..."
        return self.tables

    tenant: str = "test"
    policy: str = "test"
    keyring: Keyring | None = field(default_factory=lambda: LocalKeyring([("test", bytes(32))]))

    @property
    def ledger(self) -> Ledger:
        assert self.records is not None, "give the scope a ledger: records=..."
        return self.records

    def hash(self, purpose: str, value: str | bytes) -> str:
        return self.salts.hash(purpose, value)

    def hashes(self, purpose: str, value: str | bytes) -> tuple[str, ...]:
        return self.salts.hashes(purpose, value)

    def cipher(self, purpose: str) -> FieldCipher:
        if self.keyring is None:
            raise ValueError("there is no key to seal fields with")
        return FieldCipher(self.keyring, self.tenant, purpose)

    def event(self, code: str, /, *, severity: Severity = "warning", **detail: Any) -> None:
        self.events.append((code, severity, detail))

    def audit(
        self,
        action: str,
        /,
        *,
        subject: str,
        outcome: str = "done",
        principal: str | None = None,
        ip: str | None = None,
        **detail: str | int,
    ) -> Awaitable[None]:
        said = {"action": action, "subject": subject, "outcome": outcome, "principal": principal, "ip": ip}
        self.audited.append({**said, "detail": detail})
        return NOTHING

    async def fetch(self, request: Request, *, facts: Iterable[object] = (), within: float = 30.0) -> Response:  # noqa: ARG002 - nothing takes time here
        if request.method not in SAFE_METHODS:
            raise ValueError(f"{request.method} is not safe: nothing but a client's request may make it")
        self.fetched.append((request, tuple(facts)))
        return self.answers(request)

    def secret(self, reference: str) -> str:
        if reference not in self.secrets:
            raise ValueError(f"{reference} names no secret")
        return self.secrets[reference]

    def share(self, config: Config, make: Callable[[], T]) -> T:
        key = type(config), config.identity()
        if key not in self.shared:
            self.shared[key] = make()
        return cast("T", self.shared[key])

    def component(self, kind: type[ComponentT]) -> ComponentT:
        return next(each for each in self.components if isinstance(each, kind))


scope = HandScope
