"""The exchange: one request as received, the request and response as they now are, and what was learned."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, Flag
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gateway.errors import GatewayError
from gateway.messages import Received, Request, Response
from gateway.trace import Trace

if TYPE_CHECKING:
    from gateway.ledger.records import Record
    from gateway.outcomes import Outcome

T = TypeVar("T")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""RFC 9110 §9.2.1"""


class Delivery(Enum):
    """What is certain about the upstream having acted on the request."""

    UNSENT = "unsent"
    """No byte left the gateway: it may be sent again."""

    UNKNOWN = "unknown"
    """A byte left and no conclusive answer came: only the upstream can tell."""

    ANSWERED = "answered"
    """The upstream's own answer was read."""


_UNSENT = Delivery.UNSENT  # on CPython 3.11 a look-up in an Enum costs 0.2 µs


class Reads(Flag):
    """Which bodies a filter looks into.  They are buffered, bounded, just before the first that does."""

    NOTHING = 0
    REQUEST = 1
    RESPONSE = 2


@dataclass(slots=True)
class Attempt:
    """One attempt at an upstream.  Times are ``time.monotonic()``; ``status`` is None where none came.

    ``sent`` is when its first byte went out, ``answered`` when the head of its answer had been read; 0 where that
    never was.
    """

    number: int
    started: float
    ended: float = 0.0
    delivery: Delivery = Delivery.UNSENT
    status: int | None = None
    error: str | None = None
    reused: bool = False
    sent: float = 0.0
    answered: float = 0.0

    @property
    def stale(self) -> bool:
        """Whether it failed as on a kept-alive connection that the upstream had closed meanwhile."""
        return self.reused and self.status is None and self.error == "upstream_broken"


@dataclass(slots=True)
class Step:
    """What one filter did with an exchange.

    ``decision`` is passed, answered, refused, failed, skipped (failed open) or cancelled; in shadow with ``would_``
    before it.  ``seconds`` were spent in both phases; ``code`` is the error's, or what the filter said by ``decided``.
    """

    filter: str
    mode: str
    decision: str
    seconds: float
    code: str | None = None


@dataclass(slots=True)
class Note:
    """Something a filter wants to be remembered: it goes to the log line, the decision trail and ``explain``."""

    filter: str
    code: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Reservation:
    """The right to execute a payment: its record in the ledger, and the claim that this gateway holds on it.

    Nothing is sent after ``send_by``, by ``time.monotonic()``: then somebody else may have the right.
    """

    id: str
    epoch: int
    send_by: float
    sent: bool = False
    """Whether the record says, or may say, that it was sent."""
    promised: bool = False
    """Whether it was accepted earlier: then it is never released, but accepted again until its time is over."""
    held: bool = False
    """Whether it waits for a reviewer: then this exchange has no right to it any more."""
    earlier: Mapping[str, Any] | None = None
    """The trail that its record has from the times before."""


class Recorder(Protocol):
    """What a route does to have its payments recorded."""

    async def reserve(
        self, exchange: Exchange, claim: bytes, fingerprint: str, window: float
    ) -> Reservation | Record: ...

    async def reserve_again(self, exchange: Exchange, record: Record) -> Reservation | None: ...

    def stored_answer(self, record: Record) -> Response | None: ...

    async def hold(self, exchange: Exchange, reason: str) -> Response | None: ...


class Exchange:
    """One request on its way down a route's filters, and its response on the way up.

    Filters hand typed facts to the filters below them: ``put(Principal(...))`` above, ``require(Principal)`` below.
    The compiler checks that what a filter requires is provided above it, so ``require`` cannot fail at run time.
    """

    __slots__ = (
        "_abandon",
        "_at_end",
        "_before_send",
        "_facts",
        "attempts",
        "bytes_in",
        "bytes_out",
        "current",
        "deadline",
        "delivery",
        "descent",
        "ended",
        "error",
        "id",
        "notes",
        "operation",
        "outcome",
        "params",
        "received",
        "recorder",
        "request",
        "resendable",
        "reservation",
        "response",
        "route",
        "shadows",
        "started",
        "steps",
        "trace",
        "upstream",
    )

    def __init__(self, id: str, received: Received, request: Request, trace: Trace, started: float = 0.0) -> None:  # noqa: A002
        self.id = id
        self.received = received
        self.request = request
        self.trace = trace
        self.started = started
        self.ended = 0.0
        self.deadline = 0.0
        """By ``time.monotonic()``, as ``started`` and ``ended``; 0 before the upstream is reached."""
        self.response: Response | None = None
        self.error: GatewayError | None = None
        self.delivery = _UNSENT
        self.attempts: list[Attempt] = []
        self.steps: list[Step] = []
        self.notes: list[Note] = []
        self.route = ""
        self.operation: str | None = None
        self.upstream: str | None = None
        self.params: Mapping[str, str] = {}
        self.current = ""
        """The filter that now runs; notes are signed with it."""
        self.resendable: Callable[[Exchange], bool] | None = None
        self._abandon: Callable[[], None] | None = None
        self.descent: Callable[[Exchange], Awaitable[None]] | None = None
        """The way down from its chain's last step."""
        self.recorder: Recorder | None = None
        self.reservation: Reservation | None = None
        """What the ledger has of it, while this exchange has the right to execute it."""
        self.outcome: Outcome | None = None
        """What its route makes of the upstream's answer; None where the route has no payments."""
        self.shadows: dict[object, Any] = {}
        self.bytes_in = 0
        self.bytes_out = 0
        self._facts: dict[type, object] = {}
        self._before_send: tuple[Callable[[], Awaitable[None]], ...] = ()
        self._at_end: tuple[Callable[[], Awaitable[None]], ...] = ()

    @property
    def answer(self) -> Response:
        """The response, where there must be one: in ``on_response`` and after the chain."""
        assert self.response is not None
        return self.response

    @property
    def safe(self) -> bool:
        """Whether what is sent on asks and changes nothing."""
        return self.request.method in SAFE_METHODS

    def fail(self, error: GatewayError) -> None:
        """Keep the error and its causes, not their traces: frames there hold the exchange and what was parsed of it.

        Measured: 256 refused bodies of a megabyte otherwise stay for 2 GB, until the garbage collector comes.
        """
        self.error = error
        kept: BaseException | None = error
        while kept is not None:
            kept.__traceback__ = kept.__context__ = None
            kept = kept.__cause__

    def put(self, fact: object) -> None:
        self._facts[type(fact)] = fact

    def get(self, kind: type[T]) -> T | None:
        return self._facts.get(kind)  # type: ignore[return-value]

    def require(self, kind: type[T]) -> T:
        return self._facts[kind]  # type: ignore[return-value]

    @property
    def facts(self) -> Iterable[object]:
        return self._facts.values()

    def note(self, code: str, /, **detail: Any) -> None:
        """Remember ``code``; its detail is masked before it is written anywhere."""
        self.notes.append(Note(self.current, code, detail))

    def decided(self, code: str) -> None:
        """In ``on_request``, of a filter that answers: a word for why.  It stands beside its step in the log line.

        A note says more, and costs ten times as much: this is for what is done thousands of times a second.
        """
        self.steps[-1].code = code

    async def reserve(self, claim: bytes, fingerprint: str, window: float) -> Reservation | Record:
        """Claim the right to execute this request, recorded and committed; or what is recorded under this claim.

        ``claim`` is a digest of 32 bytes over owner, route and key; ``fingerprint`` a keyed hash of what was received;
        ``window`` the seconds for which a repeat is recognised, at least.  DependencyDown where the ledger is away.
        """
        assert self.recorder is not None
        return await self.recorder.reserve(self, claim, fingerprint, window)

    async def reserve_again(self, record: Record) -> Reservation | None:
        """Claim a record that is released, or reserved by somebody who was lost; None where another was faster."""
        assert self.recorder is not None
        return await self.recorder.reserve_again(self, record)

    def stored_answer(self, record: Record) -> Response | None:
        """The first answer as it passed up, for a repeat; None where none is kept.

        Unreadable where it is kept and cannot be opened: the text says why, to people who look after this gateway.
        """
        assert self.recorder is not None
        return self.recorder.stored_answer(record)

    async def hold(self, reason: str) -> Response | None:
        """Keep this payment for a reviewer, and what to answer its client: it is committed when this returns.

        None where it cannot be kept, and nothing has changed: nothing claimed it, nothing may be stored of it, or too
        many wait.  ``reason`` is a word of the code.  DependencyDown where nobody knows; then it must not pass on, and
        where it does, it is not sent if it is held.
        """
        return None if self.recorder is None else await self.recorder.hold(self, reason)

    def before_send(self, call: Callable[[], Awaitable[None]]) -> None:
        """``call`` is awaited once, before the first byte of the first attempt; if it raises, nothing is sent."""
        self._before_send += (call,)

    def at_end(self, call: Callable[[], Awaitable[None]]) -> None:
        """``call`` is awaited once, after the last byte of the answer, or after the client has gone."""
        self._at_end += (call,)

    def copy(self) -> Exchange:
        """A second exchange with the same facts and messages of its own; nothing done to it reaches this one."""
        made = Exchange(self.id, self.received, self.request.copy(), self.trace, self.started)
        made.deadline, made.route, made.operation = self.deadline, self.route, self.operation
        made.params, made.current = self.params, self.current
        made.reservation = self.reservation  # to name the payment; without a recorder nothing is done with it
        made._facts = dict(self._facts)
        return made

    def branch(self) -> Exchange:
        """A copy that can go down from the filter which now runs in ``on_request``, by ``descend``, at any later time.

        It is of a safe request: nothing of it is recorded, and no observer is told of it.
        """
        if not self.safe:
            raise RuntimeError("only a safe request can be sent once more")
        made = self.copy()
        made.descent, made.steps = self.descent, list(self.steps)
        return made

    async def descend(self) -> None:
        """Through the filters below the one that made this branch, to the upstream, and back up through them.

        Afterwards ``response`` and ``error`` are as they then reach that filter.  Who calls it ends it: takes the
        whole body or calls ``abandon``.
        """
        assert self.descent is not None
        await self.descent(self)

    def abandon(self) -> None:
        """Break off what still runs of the last attempt: nobody waits for the rest of its answer."""
        if self._abandon is not None:
            abandon, self._abandon = self._abandon, None
            abandon()

    def abandon_by(self, call: Callable[[], None]) -> None:
        self._abandon = call

    @property
    def waits_before_send(self) -> bool:
        return bool(self._before_send)

    def take_before_send(self) -> Sequence[Callable[[], Awaitable[None]]]:
        calls, self._before_send = self._before_send, ()
        return calls

    def take_at_end(self) -> Sequence[Callable[[], Awaitable[None]]]:
        calls, self._at_end = self._at_end, ()
        return calls

    def may_resend(self) -> bool:
        """Whether another attempt cannot make the upstream act twice.

        True while nothing was sent, for safe methods, and for the same bytes and key to an upstream declared
        idempotent, within its window.
        """
        return (
            self.delivery is Delivery.UNSENT
            or self.request.method in SAFE_METHODS
            or (self.resendable is not None and self.resendable(self))
        )
