"""Forwarding: payments that were accepted, or that a reviewer approved, are sent when their upstream can be reached."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Protocol

from gateway.crypto.protocol import Unreadable
from gateway.dataplane.rebuilt import end, rebuilt
from gateway.dataplane.snapshot import Later
from gateway.exchange import Delivery, Exchange, Reservation
from gateway.facts import Payment, Principal
from gateway.ledger.bodies import StoredRequest
from gateway.ledger.protocol import Ledger
from gateway.ledger.records import Record, Settlement, State

logger = logging.getLogger(__name__)

BATCH = 20
LEASE = 60.0
UNREADABLE = "unreadable"
TURN = 30.0
"""Seconds that one may take from when it was taken up to its sending, half of its lease: else its turn comes again."""


class Route(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def later(self) -> Later | None: ...


class Forwarder:
    """Sends what was accepted, in order per customer, each at most once.

    The first of a run goes alone: while the upstream is away, nothing else is tried.  ``ended`` are told of each
    exchange, as of any other.
    """

    def __init__(self, ledger: Ledger, tell: Callable[..., None], audit: Callable[..., object]) -> None:
        self._ledger = ledger
        self._tell = tell
        self._audit = audit
        self._stopping = False

    def stop(self) -> None:
        """``run`` begins with no other payment."""
        self._stopping = True

    async def expire(self) -> None:
        """Those that waited too long have failed, whether a route still accepts them or not."""
        for id in await self._ledger.expire_accepted(BATCH):  # noqa: A001
            self._tell("accepted_payment_expired", severity="critical", payment=id)
            self._audit("payment.expire", subject=id, outcome="failed", reason="not_sent")
        for id in await self._ledger.expire_held(BATCH):  # noqa: A001
            self._tell("held_payment_expired", severity="warning", payment=id)
            self._audit("payment.expire", subject=id, outcome="failed", reason="not_reviewed")

    async def run(self, routes: Iterable[Route], ended: Sequence[Callable[[Exchange], None]]) -> int:
        """Until nothing waits, the upstream is away, or it is to stop; how many were sent."""
        await self.expire()
        laters = {route.name: route.later for route in routes if route.later is not None}
        sent, batch, left = 0, 1, set[str]()
        while laters and not self._stopping and (records := await self._ledger.take_accepted(batch, LEASE)):
            until = monotonic() + TURN
            for record in records:
                went = await self._forward(record, laters.get(record.route), until, ended)
                if went is None:
                    left.add(record.id)
                elif not went:
                    return sent
                sent += bool(went)
            if left.issuperset(record.id for record in records):
                break
            batch = BATCH
        return sent

    async def _forward(
        self, record: Record, later: Later | None, until: float, ended: Sequence[Callable[[Exchange], None]]
    ) -> bool | None:
        """Whether it was sent; else it waits on, in its place.  None where it could not even be tried."""
        stored = None if later is None else self._stored(record, later)
        if later is None or stored is None:
            await self._put_back(record, "no_route" if later is None else UNREADABLE)
            return None
        if self._stopping:
            await self._put_back(record, "stopped")
            return None
        exchange = rebuilt(record, stored, later.headers)
        exchange.reservation = Reservation(record.id, record.epoch, until, promised=True, earlier=record.trail)
        exchange.put(Payment(record.operation, record.amount, record.currency))
        if record.owner is not None:
            exchange.put(Principal(record.owner))
        exchange.note("accepted_earlier", payment=record.id)
        exchange.started = monotonic()
        await later.chain(exchange)
        await end(exchange, ended)
        await asyncio.sleep(1 / later.rate)
        return exchange.delivery is not Delivery.UNSENT

    def _stored(self, record: Record, later: Later) -> StoredRequest | None:
        try:
            return later.bodies.open_request(record)
        except Unreadable as error:
            if record.reason != UNREADABLE:  # else it was said when its turn last came
                self._tell("accepted_payment_unreadable", severity="critical", payment=record.id, reason=str(error))
            return None

    async def _put_back(self, record: Record, reason: str) -> None:
        await self._ledger.settle(record.id, record.epoch, Settlement(State.ACCEPTED, reason, "unsent", 0))
