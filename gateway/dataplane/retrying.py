"""Retrying: declined payments whose time has come are tried again, each attempt a payment of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, Protocol

from gateway.crypto.protocol import Unreadable
from gateway.database.protocol import DatabaseDown
from gateway.dataplane.rebuilt import end, rebuilt
from gateway.dataplane.scheduling import AttemptOf, Retrying
from gateway.dataplane.still_due import Said
from gateway.exchange import Exchange, Reservation
from gateway.facts import Payment, Principal
from gateway.ids import payment_id
from gateway.ledger.bodies import StoredRequest
from gateway.ledger.claims import attempt_of
from gateway.ledger.protocol import Ledger
from gateway.ledger.records import Entry, Record, State
from gateway.ledger.schedules import WINDOW, Phase, Schedule
from gateway.ledger.settling import Backoff

logger = logging.getLogger(__name__)

BATCH = 10
LEASE = 120.0
TURN = 60.0
"""Seconds that one may take from when it was taken up to its sending, half of its lease: else its turn comes again."""

ELSEWHERE = 60.0
"""Seconds until one whose route is not declared here is due again: while policies roll out, another gateway has it."""

NOT_EXECUTED = "not_executed"
"""Why an attempt has failed that no processor saw: the decline before it is still the last word."""


class Route(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def retrying(self) -> Retrying | None: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """At most ``rate`` attempts a second; an attempt that is open is looked after every ``follow`` seconds."""

    rate: float
    follow: float
    backoff: Backoff


class Retrier:
    """Makes the attempts that are due, one after the other, each at most once.

    Before each, it is asked whether the payment is still due.  The next one is planned by the recorder, with the
    outcome of this one; where that is not known at once, it is followed here until it is.
    """

    def __init__(self, ledger: Ledger, tell: Callable[..., None], pace: Pace) -> None:
        self._ledger = ledger
        self._schedules = ledger.schedules
        self._tell = tell
        self._pace = pace
        self._stopping = False

    def stop(self) -> None:
        """``run`` begins with no other payment."""
        self._stopping = True

    async def expire(self) -> None:
        """Those whose time is over have ended, whether a route still declares that they may be tried or not."""
        while expired := await self._schedules.expire(BATCH):
            for payment in expired:
                self._tell("retry_expired", severity="info", payment=payment)

    async def run(self, routes: Iterable[Route], observers: Sequence[Callable[[Exchange], None]]) -> int:
        """Until little is due or it is to stop; how many attempts were made."""
        await self.expire()
        retrying = {route.name: route.retrying for route in routes if route.retrying is not None}
        made, more = 0, True
        while more and not self._stopping:
            schedules = await self._schedules.take(BATCH, LEASE)
            more = len(schedules) == BATCH
            until = monotonic() + TURN
            for schedule in schedules:
                if self._stopping or monotonic() > until:
                    break
                made += await self._alone(schedule, retrying, until, observers)
        return made

    async def _alone(self, schedule: Schedule, *given: Any) -> bool:
        """Its turn; that one of them fails costs the others nothing: it comes again when its lease is over."""
        try:
            return await self._turn(schedule, *given)
        except DatabaseDown:
            raise
        except Exception:
            logger.exception("The payment %s could not be tried again", schedule.payment)
            return False

    async def _turn(
        self,
        schedule: Schedule,
        retrying: Mapping[str, Retrying],
        until: float,
        observers: Sequence[Callable[[Exchange], None]],
    ) -> bool:
        """Whether an attempt was made."""
        if schedule.state is Phase.ATTEMPTING:
            await self._follow(schedule)
            return False
        route, first = retrying.get(schedule.route), await self._ledger.find(schedule.payment)
        stored = None if route is None or first is None else self._stored(schedule, first, route)
        if route is None or first is None or stored is None:
            pause = ELSEWHERE if route is None else self._pace.backoff.pause(schedule.missed)
            await self._schedules.postpone(schedule, pause)
            return False
        exchange = self._exchange(schedule, first, stored, route)
        said, why = await _asked(schedule, first, exchange, route)
        if said == "not_due":
            await self._schedules.give_up(schedule, "not_due")
            return False
        if said == "unclear":
            logger.info("Whether the payment %s is still due is unclear: %s", first.id, why)
            await self._schedules.postpone(schedule, self._pace.backoff.pause(schedule.missed))
            return False
        if not await self._begun(schedule, first, exchange, route, until):
            return False
        exchange.started = monotonic()
        await route.chain(exchange)
        await end(exchange, observers)
        await asyncio.sleep(1 / self._pace.rate)
        return True

    def _stored(self, schedule: Schedule, first: Record, route: Retrying) -> StoredRequest | None:
        try:
            return route.recorder.bodies.open_request(replace(first, request=schedule.request))
        except Unreadable as error:
            logger.error("The payment %s cannot be tried again: %s", first.id, error)  # noqa: TRY400 - it says all
            self._tell("retry_unreadable", severity="critical", payment=first.id, reason=str(error))
            return None

    def _exchange(self, schedule: Schedule, first: Record, stored: StoredRequest, route: Retrying) -> Exchange:
        """The request as it was declined, under a key of its own."""
        assert route.upstream.idempotent is not None
        key = {route.upstream.idempotent.header.lower(): attempt_of(first.id, schedule.number + 1).hex()}
        exchange = rebuilt(first, stored, {**route.recorder.retry.headers, **key})
        headers = exchange.request.headers
        headers["x-request-id"], headers["traceparent"] = exchange.id, exchange.trace.traceparent.decode()
        exchange.put(Payment(first.operation, first.amount, first.currency))
        if first.owner is not None:
            exchange.put(Principal(first.owner))
        exchange.note("retry", payment=first.id, number=schedule.number + 1, code=schedule.code)
        return exchange

    async def _begun(
        self, schedule: Schedule, first: Record, exchange: Exchange, route: Retrying, until: float
    ) -> bool:
        """The attempt's own record, reserved; its schedule names it before it is there."""
        entry = self._entry(schedule, first, exchange, route)
        if not await self._schedules.begin(schedule, entry.id, self._pace.follow):
            await self._displaced(schedule)
            return False
        claim, lease = route.recorder.held()
        until = min(until, monotonic() + claim)
        if not await self._schedules.attempt(entry, schedule.epoch, lease, route.recorder.retry.caps):
            await self._refused(schedule, entry, route)
            return False
        exchange.reservation = Reservation(entry.id, 1, until)
        exchange.put(AttemptOf(schedule))
        return True

    def _entry(self, schedule: Schedule, first: Record, exchange: Exchange, route: Retrying) -> Entry:
        return Entry(
            payment_id(),
            first.route,
            first.operation,
            route.upstream.name,
            exchange.id,
            exchange.trace.trace_id,
            route.recorder.policy,
            max(first.keep, WINDOW),
            first.owner,
            attempt_of(first.id, schedule.number + 1),
            None,
            first.amount,
            first.currency,
            first.customer,
            first.card,
            "retry_of",
            first.id,
        )

    async def _displaced(self, schedule: Schedule) -> None:
        """It was cancelled or taken up by somebody else meanwhile; or a client has tried by itself."""
        now = await self._schedules.find(schedule.payment)
        if now is not None and now.state is Phase.WAITING and now.epoch == schedule.epoch:
            await self._schedules.give_up(schedule, "client_attempt")

    async def _refused(self, schedule: Schedule, entry: Entry, route: Retrying) -> None:
        """No record was made: it was cancelled, the reference is another's, or the caps allow no more."""
        caps, first = route.recorder.retry.caps, schedule.payment
        now, counted = await self._schedules.find(first), await self._schedules.counted(schedule)
        if now is not None and not now.reason:
            if await self._ledger.find_reference(schedule.reference) is not None:
                await self._schedules.end(first, entry.id, "client_attempt")
                return
            if counted.reference >= caps.reference or counted.method >= caps.method:
                self._tell("retry_capped", payment=first, of_reference=counted.reference, with_card=counted.method)
                await self._schedules.end(first, entry.id, "capped")
                return
        await self._schedules.again(first, entry.id, self._pace.backoff.pause(schedule.missed), None, "not_begun")

    async def _follow(self, schedule: Schedule) -> None:
        """What became of an attempt whose gateway could not say: nothing is tried before that is certain."""
        first, attempt = schedule.payment, schedule.attempt or ""
        record = await self._ledger.find(attempt)
        again = self._pace.backoff.pause(schedule.missed)
        if record is None:
            await self._schedules.again(first, attempt, again, None, "not_begun")
        elif record.state is State.SUCCEEDED:
            await self._schedules.end(first, attempt, "succeeded")
        elif record.state is State.RELEASED or (record.state is State.FAILED and record.reason == NOT_EXECUTED):
            await self._schedules.again(first, attempt, again, None, record.reason or "released")
        elif record.state is State.FAILED:  # for whatever reason: nobody knows that it was a soft one
            await self._schedules.end(first, attempt, "declined")
            self._tell("retry_declined", severity="info", payment=first)
        else:
            await self._schedules.postpone(schedule, self._pace.follow)


async def _asked(schedule: Schedule, first: Record, exchange: Exchange, route: Retrying) -> tuple[Said, str]:
    """Whether it is still due; of nothing but what it was planned for."""
    if not route.recorder.pays(exchange, schedule.reference):
        return "unclear", "its route reads another reference by now"
    return await route.still_due.ask(first, route.recorder.reference(exchange))
