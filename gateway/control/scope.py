"""The scope: what the process has, and what of it each part of a policy is lent."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from gateway.audit.protocol import NOTHING, UNKEPT, Auditor
from gateway.card_data import folded
from gateway.control.background import NOBODY, Background
from gateway.control.events import Events
from gateway.control.sharing import Lease, SharedObjects
from gateway.crypto.fields import FieldCipher
from gateway.crypto.protocol import Keyring
from gateway.crypto.salts import Salts
from gateway.database.protocol import Database
from gateway.dataplane.fetching import Fetches
from gateway.dataplane.snapshot import Snapshot
from gateway.detections import Detections
from gateway.ledger.late import LateOutcomes
from gateway.ledger.owners import Owners
from gateway.ledger.protocol import Ledger
from gateway.ledger.trail import Masks
from gateway.messages import Request, Response
from gateway.parts import Clock, Config, Part, Severity, Tasks
from gateway.store.fallback import Fallback
from gateway.store.protocol import Procedure, Store

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


class _Unmasked:
    """For whoever has nothing to hide: a check of a policy, a test."""

    def line(self, line: bytes) -> bytes:
        return line

    def document(self, value: Any) -> Any:
        return value


NOTHING_MASKED = _Unmasked()
PartT = TypeVar("PartT", bound=Part[Any])


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class Services:
    """What there is once per process.

    ``environ`` is where ``env:`` secrets are looked up; ``on_secret`` is told of each that is read, so that it is
    masked from then on.  ``shared`` outlives policies.
    """

    def __init__(
        self,
        *,
        store: Store,
        salts: Salts,
        environ: Mapping[str, str],
        clock: Clock | None = None,
        on_secret: Callable[[str], None] = lambda _: None,
        background: Background | None = None,
        database: Database | None = None,
        ledger: Ledger | None = None,
        keyring: Keyring | None = None,
        masks: Masks = NOTHING_MASKED,
        local: Store | None = None,
        audit: Auditor = UNKEPT,
        spared: Iterable[str] = (),
    ) -> None:
        self.store = store
        self.local = store if local is None else local
        """In a process whose store is shared, its own."""
        self.fallback = None if local is None else Fallback(store, local)
        self.database = database
        self.ledger = ledger
        self.keyring = keyring
        self.masks = masks
        self.audit = audit
        self.events = Events()
        self.detections = Detections()
        self.spared = frozenset(map(folded, spared))
        """Names of fields, folded, whose numbers are never a card's."""
        self.salts = salts
        self.owners = Owners(masks, salts.hashes)
        self.environ = environ
        self.clock = clock or SystemClock()
        self.background = background or Background()
        self.shared = SharedObjects()
        self.active: Callable[[], Snapshot] | None = None
        """The policy in force; None before there is one, and in a process that serves none."""
        self.fetches = Fetches(self._serving)
        self._on_secret = on_secret
        self._http: httpx.AsyncClient | None = None
        self._late: LateOutcomes | None = None

    def _serving(self) -> Snapshot:
        if self.active is None:
            raise RuntimeError("no policy serves in this process yet")
        return self.active()

    @property
    def policy(self) -> str:
        """The digest of the policy in force; empty before there is one."""
        return "" if self.active is None else self.active().digest

    @property
    def late(self) -> LateOutcomes:
        """Outcomes that the ledger could not take yet."""
        if self._late is None:
            assert self.ledger is not None
            start = partial(self.background.start, name="late outcomes", holder=NOBODY)
            self._late = LateOutcomes(self.ledger, start)
        return self._late

    @property
    def http(self) -> httpx.AsyncClient:
        """Made for the first that asks: without it, nothing pays for importing httpx."""
        if self._http is None:
            import httpx  # noqa: PLC0415 - as above

            from gateway.dataplane.transport import PoolTransport  # noqa: PLC0415 - as above

            self._http = httpx.AsyncClient(transport=PoolTransport())
        return self._http

    def secret(self, reference: str) -> str:
        """What ``env:NAME`` or ``file:/path`` names.  ValueError where it is missing or empty."""
        scheme, _, name = reference.partition(":")
        match scheme:
            case "env":
                value = self.environ.get(name, "")
                missing = f"the environment variable {name} is not set"
            case "file":
                value, missing = _content(Path(name))
            case _:
                raise ValueError("a secret is named env:NAME or file:/path")  # not repeated: it may be the secret
        if not value:
            raise ValueError(missing)
        self._on_secret(value)
        return value

    async def close(self) -> None:
        """After the last policy: end what still runs, close what is shared, then what everything stood on."""
        await self.background.close()
        await self.shared.close()
        await self.audit.close()
        if self._http is not None:
            await self._http.aclose()
        for each in {id(store): store for store in (self.store, self.local)}.values():
            await each.close()
        if self.database is not None:
            await self.database.close()


def _content(path: Path) -> tuple[str, str]:
    """The file's text without the line break that editors put at its end, and what to say where there is none."""
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n"), f"the secret's file {path} is empty"
    except OSError as error:
        return "", f"the secret's file {path} cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return "", f"the secret's file {path} is not text"


class PartScope:
    """What one part is lent; satisfies ``gateway.Scope``."""

    def __init__(
        self,
        services: Services,
        lease: Lease,
        kind: type[Part[Any]],
        *,
        tenant: str = "default",
        place: str = "",
        operation: str | None = None,
        mode: Literal["enforce", "shadow"],
        tasks: Tasks,
        component: Callable[[type[Part[Any]]], Part[Any]],
    ) -> None:
        self.tenant = tenant
        self.place = place
        self.operation = operation
        self.mode = mode
        self.tasks = tasks
        self.clock = services.clock
        self.store, self.local, self.store_or_local = (
            store if mode == "enforce" else ShadowStore(store)
            for store in (services.store, services.local, services.fallback or services.store)
        )
        self.secret = services.secret
        self.hash = services.salts.hash
        self.hashes = services.salts.hashes
        self._services = services
        self._lease = lease
        self._kind = kind
        self._component = component

    @property
    def http(self) -> httpx.AsyncClient:
        return self._services.http

    @property
    def policy(self) -> str:
        return self._services.policy

    @property
    def ledger(self) -> Ledger:
        if self._services.ledger is None:
            raise RuntimeError("this process has no ledger")
        return self._services.ledger

    @property
    def database(self) -> Database:
        if self._services.database is None:
            raise RuntimeError("this process has no database")
        return self._services.database

    def cipher(self, purpose: str) -> FieldCipher:
        if self._services.keyring is None:
            raise ValueError("there is no key to seal fields with: set ENCRYPTION_KEY (64 hexadecimal digits)")
        return FieldCipher(self._services.keyring, self.tenant, purpose)

    def event(self, code: str, /, *, severity: Severity = "warning", **detail: Any) -> None:
        """One of a part in shadow says so: what it tells of did not happen."""
        shadowed = {"mode": "shadow"} if self.mode == "shadow" else {}
        self._services.events.tell(
            code, source=self._kind.name, severity="info" if shadowed else severity, **detail, **shadowed
        )

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
        """What a part in shadow would have done, did not happen: there is no entry of it."""
        if self.mode == "shadow":
            return NOTHING
        return self._services.audit.add(
            action, subject=subject, outcome=outcome, principal=principal, ip=ip, detail=detail
        )

    async def fetch(self, request: Request, *, facts: Iterable[object] = (), within: float = 30.0) -> Response:
        return await self._services.fetches.fetch(request, at=self._kind.name, facts=facts, within=within)

    def share(self, config: Config, make: Callable[[], T]) -> T:
        """Two parts share it where they are of one kind and mode, at one place, and have equal options."""
        return self._lease.hold((self._kind, self.place, self.mode, type(config), config.identity()), make)

    def component(self, kind: type[PartT]) -> PartT:
        return self._component(kind)  # type: ignore[return-value]  # it is found by its class


class ShadowStore:
    """A namespace of its own: what a shadowed part counts and claims, nobody else sees."""

    def __init__(self, store: Store) -> None:
        self.together = store.together
        self._store = store

    async def get(self, key: str) -> bytes | None:
        return await self._store.get(_shadowed(key))

    async def put(self, key: str, value: bytes, ttl: float, *, hold: bool = False) -> None:
        await self._store.put(_shadowed(key), value, ttl, hold=hold)

    async def add(self, key: str, value: bytes, ttl: float, *, hold: bool = False) -> bool:
        return await self._store.add(_shadowed(key), value, ttl, hold=hold)

    async def remove(self, key: str) -> bool:
        return await self._store.remove(_shadowed(key))

    async def count(self, key: str, by: int, ttl: float) -> int:
        return await self._store.count(_shadowed(key), by, ttl)

    async def run(self, procedure: Procedure, keys: Sequence[str], arguments: Any) -> Any:
        return await self._store.run(procedure, [_shadowed(key) for key in keys], arguments)

    async def scan(self, prefix: str, most: int = 10_000) -> list[tuple[str, bytes, float]]:
        found = await self._store.scan(_shadowed(prefix), most)
        return [(key.removeprefix(_SHADOW), value, left) for key, value, left in found]

    async def open(self) -> None:
        """The store is the process's; it is not opened from here."""

    async def close(self) -> None:
        """Nor closed."""

    @property
    def trouble(self) -> str | None:
        return self._store.trouble

    def stats(self) -> Mapping[str, float]:
        return self._store.stats()


_SHADOW = "shadow:"


def _shadowed(key: str) -> str:
    return _SHADOW + key
