"""What a plugin author subclasses: Filter, Guard, Observer, Component; and Scope, what each is lent."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeAlias, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict

from gateway.exchange import Attempt, Exchange, Reads
from gateway.holding import Hold
from gateway.messages import Request, Response

if TYPE_CHECKING:
    import httpx
    from starlette.routing import BaseRoute

    from gateway.crypto.fields import FieldCipher
    from gateway.database.protocol import Database
    from gateway.ledger.protocol import Ledger
    from gateway.ledger.records import Evidence, Record
    from gateway.store.protocol import Store

T = TypeVar("T")

Severity = Literal["info", "warning", "critical"]


class Config(BaseModel):
    """Base of every part's options: unknown keys are errors, values never change.

    ``mode`` is the core's own and may not be a field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def identity(self) -> str:
        """A digest of the options: equal options, equal identity.  State that survives a reload is keyed by it."""
        document = orjson.dumps(_ordered(self.model_dump()), default=str, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(document).hexdigest()[:16]


def _ordered(value: Any) -> Any:
    """The same with its sets sorted: they have another order in each process."""
    match value:
        case dict():
            return {str(key): _ordered(each) for key, each in value.items()}
        case list() | tuple():
            return [_ordered(each) for each in value]
        case set() | frozenset():
            return sorted(map(str, value))
    return value


class OptionalConfig(Config):
    """For filters that a route can do without while a dependency of theirs is down."""

    failure_mode: Literal["closed", "open"] = "closed"
    """What a DependencyDown does: `closed` refuses the request with 503, `open` goes on without the filter."""


ConfigT = TypeVar("ConfigT", bound=Config)
PartT = TypeVar("PartT", bound="Part[Any]")


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch: for people and for other machines."""

    def monotonic(self) -> float:
        """Seconds that a change of the wall clock does not move: for intervals."""


class Tasks(Protocol):
    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> bool:
        """Run ``work`` in the background, its failure logged.  False, and it is closed, where too much runs already."""


class Scope(Protocol):
    """What the process lends to a part, for as long as the part's policy serves."""

    @property
    def place(self) -> str:
        """The name of the route that a filter, or of the upstream that a guard, stands at; else empty."""

    @property
    def operation(self) -> str | None:
        """What the payments of that route are, such as ``payment.create``; None where it has none."""

    @property
    def mode(self) -> Literal["enforce", "shadow"]:
        """In ``shadow``, ``store`` is a namespace of its own."""

    @property
    def store(self) -> Store:
        """What all gateways that have one ``REDIS_URL`` share; of a gateway that has none, its own."""

    @property
    def local(self) -> Store:
        """The memory of this process, which no other sees."""

    @property
    def store_or_local(self) -> Store:
        """``store``, and ``local`` while that is away: it is never down."""

    @property
    def ledger(self) -> Ledger:
        """The record of every payment.  Filters claim by ``Exchange.reserve``; the core writes what became of it."""

    @property
    def database(self) -> Database:
        """That of the ledger, for tables of a part's own."""

    @property
    def http(self) -> httpx.AsyncClient:
        """A plain httpx client over the gateway's own pool."""

    @property
    def clock(self) -> Clock: ...

    @property
    def tasks(self) -> Tasks: ...

    @property
    def policy(self) -> str:
        """The digest of the policy in force; empty before there is one."""

    @property
    def tenant(self) -> str:
        """The policy's: what is sealed for one tenant opens for no other."""

    def cipher(self, purpose: str) -> FieldCipher:
        """What seals and opens single fields, for this tenant and purpose.  ValueError where there is no key."""

    def secret(self, reference: str) -> str:
        """The value that ``env:NAME`` or ``file:/path`` names.  It is masked in every output from now on.

        Raises ValueError where there is none.
        """

    def hash(self, purpose: str, value: str | bytes) -> str:
        """``salt id:hex``, a keyed hash; another one for another purpose.  A purpose is a word of the code."""

    def hashes(self, purpose: str, value: str | bytes) -> Sequence[str]:
        """What ``hash`` says now, then what it said with each older salt that is still known."""

    def event(self, code: str, /, *, severity: Severity = "warning", **detail: Any) -> None:
        """Tell people: it is logged, counted, and alert rules see it.  ``code`` is a word of the code."""

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
        """Add an entry to the audit trail: who did what to whom, and how it ended.

        ``action`` is a dotted word of the code, such as ``vault.reveal``; ``principal`` is who did it, where that is
        known; ``ip`` is given in clear and kept as a keyed hash.  Card numbers, keys and secrets are masked.  The
        awaitable resolves once the entry is committed, in the same commit as what was written in this turn of the
        loop; DatabaseDown where it cannot be now, though it may be later.  Nobody has to await it.
        """

    def fetch(self, request: Request, *, facts: Iterable[object] = (), within: float = 30.0) -> Awaitable[Response]:
        """A safe request of the gateway's own, through the route that takes it, its guards and its upstream.

        The policy is the one in force; its ``host`` field is what a client would say.
        The route's filters run from the first on that has this part's name; those above it, which judge callers, do
        not, and ``facts`` are what they would have put.  The answer is as that filter passes it up, its body whole,
        within so many seconds: a problem where the upstream fails.  ValueError for an unsafe method, and where the
        route has no such filter; RouteNotFound, TimeoutError.  A process has few under way at once; the others wait.
        """

    def share(self, config: Config, make: Callable[[], T]) -> T:
        """An object that survives reloads for as long as the policy has this part, here, with equal options.

        ``make`` is called where there is none yet.  One with an async ``close`` is closed with its last user.
        """

    def component(self, kind: type[PartT]) -> PartT:
        """The process's one component of this class, with the options that the policy gives it."""


class BadOption(ValueError):
    """What is wrong with one option, found while a part is made: `check` names the line that ``way`` leads to.

    Such as ``BadOption("there is no such file", "schema", "file")``.
    """

    def __init__(self, message: str, *way: str | int) -> None:
        super().__init__(message)
        self.way = way


Catalogue: TypeAlias = Mapping[str, Sequence[Mapping[str, str | int]]]
"""Tables by their titles: rows that all have the same columns."""


class Part(Generic[ConfigT]):
    """A piece of a policy: made when it is compiled, opened before it serves, closed after its last exchange."""

    name: ClassVar[str]
    """What the policy calls it."""

    Config: ClassVar[type[Config]] = Config

    seals: ClassVar[bool] = False
    """Whether it needs ``Scope.cipher``: `check` then says where there is no key, which ``open`` cannot do without."""

    @classmethod
    def catalogue(cls) -> Catalogue:
        """What its options may name and their types do not tell, such as rules: `payguard plugins show` lists it."""
        return {}

    def __init__(self, config: ConfigT, scope: Scope) -> None:
        self.config = config
        self.scope = scope

    async def open(self) -> None:
        """Acquire what is needed.  A failure here rejects the policy; heavy imports belong here."""

    async def close(self) -> None:
        """Release it.  Called once, also where ``open`` failed."""


class Filter(Part[ConfigT]):
    """One step of a route's chain, once per exchange.

    Requests go down the chain in the order of the policy file; responses come back up.  A filter that passed a
    request on sees its response exactly once, whatever happened below: an answer, a refusal, a failure or a
    cancellation.  One that answered, refused or was skipped does not see it.  A method that is not overridden costs
    nothing.
    """

    reads: Reads = Reads.NOTHING
    """Bodies to buffer before the filter runs.  May be set per instance, from its options."""

    requires: tuple[type, ...] = ()
    """Facts that a filter above, or the core, must have put."""

    requires_named: tuple[str, ...] = ()
    """The same of facts whose classes it cannot import, by the names of the classes."""

    provides: tuple[type, ...] = ()
    """Facts that this filter puts before it passes a request on.  Such a filter cannot be skipped or shadowed where
    another requires them."""

    provides_up: tuple[str, ...] = ()
    """What a response is once this filter has passed it up, such as ``clear_text``."""

    rejects_up: tuple[str, ...] = ()
    """What a response that reaches this filter must not be: a filter below that provides it is refused by ``check``."""

    reruns: ClassVar[bool] = False
    """Whether it runs again where a stored request is executed later."""

    holds: Hold | None = None
    """How it holds payments for a reviewer, by ``Exchange.hold``; None where it never does.  It stands below the filter
    that claims, and below it only what runs again where a stored request is executed."""

    reserves: ClassVar[bool] = False
    """Whether it claims requests by ``Exchange.reserve``.  A route has at most one such filter; a repeat is answered
    with what had passed it up."""

    shadowable: ClassVar[bool] = True
    """False where running it on a copy means nothing; ``mode: shadow`` is then refused by ``check``."""

    def protects(self, part: Reads) -> Sequence[str]:  # noqa: ARG002
        """Pointers to the fields of requests, or of answers, that it protects, or reveals on purpose.

        ``part`` is ``Reads.REQUEST`` or ``Reads.RESPONSE``; in a pointer ``*`` stands for every member or item.  A
        route that detects card data does not report them.
        """
        return ()

    async def on_request(self, exchange: Exchange) -> Response | None:
        """Return None to pass the request on or a Response to answer it here; raise to refuse it."""

    async def on_response(self, exchange: Exchange) -> None:
        """``exchange.answer`` is what goes up; ``exchange.error`` says if a failure made it."""


class Guard(Part[ConfigT]):
    """Stands before an upstream's attempts: a circuit breaker, a limit on concurrency.

    It changes nothing in the exchange.  In shadow it is asked and told alike, on the live exchange, but nobody waits
    for what it awaits: it has until the attempt ends, and is then cancelled.
    """

    def admit(self, exchange: Exchange) -> Awaitable[Any] | Any:
        """Raise to refuse the attempt.  What is returned (awaited, where it can be) comes back in ``settle``."""

    def settle(self, exchange: Exchange, attempt: Attempt | None, admitted: Any) -> None:
        """How it went; called once for each ``admit`` that did not raise, whatever becomes of the exchange.

        None: nothing was attempted, because a guard after it refused, or the client left while that one decided.
        """


class Resolver(Part[ConfigT]):
    """Asks somebody who knows what became of a payment in doubt.  It never sends one."""

    async def ask(self, record: Record) -> Evidence | None:
        """What was found out; None where this resolver has nothing to say of such a record.

        What it raises means that it could not ask, and is tried again later.
        """


class Observer(Part[ConfigT]):
    """Is told of each exchange once, after it has ended."""

    def ended(self, exchange: Exchange) -> None:
        """Must not block.  What it raises is logged and changes nothing."""


@dataclass(frozen=True, slots=True)
class Job:
    """Background work: ``run`` is awaited every ``every`` seconds, with jitter; never two at once."""

    name: str
    run: Callable[[], Awaitable[None]]
    every: float
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Check:
    """A health check: ``run`` raises where it is not well, and may return a short text.

    It runs in the background, so a probe never waits for it.  ``readiness`` says whether a failure keeps the gateway
    from being ready *before it has once been ready*; only `always` takes readiness away from one that was.
    """

    name: str
    run: Callable[[], Awaitable[str | None]]
    every: float = 10.0
    timeout: float = 2.0
    readiness: Literal["no", "first", "always"] = "no"


@dataclass(frozen=True, slots=True)
class Measure:
    """Numbers of a component at ``/metrics``, as ``payguard_<component>_<name>``.

    ``values`` are by the values of the ``labels``, which a policy bounds, never a request.  A histogram has ``bounds``,
    and for each label values the counts within them, one more for what lies beyond, and then the sum.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float | Sequence[float]]
    bounds: tuple[float, ...] = ()


class Component(Part[ConfigT]):
    """What a plugin has once per process: jobs, checks, measures, admin routes, shared objects."""

    def jobs(self) -> Sequence[Job]:
        return ()

    def checks(self) -> Sequence[Check]:
        return ()

    def measures(self) -> Sequence[Measure]:
        """Asked for at each scrape."""
        return ()

    def admin_routes(self) -> Sequence[BaseRoute]:
        """Starlette routes, mounted under ``/api/v1/<name>`` on the admin port."""
        return ()
