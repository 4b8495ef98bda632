"""Scheduling: a recorder that lets one payment of a reference pass, and plans another attempt where it is declined."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from gateway.database.protocol import DatabaseDown
from gateway.dataplane.acceptance import STATUS_PATH, unkeepable
from gateway.dataplane.declines import Decline
from gateway.dataplane.payment import InvalidPayment
from gateway.dataplane.recorder import SECURITY_CODE, Recorder, outcome_of
from gateway.dataplane.retry_terms import RetryTerms, Said, read
from gateway.errors import Rejected, UpstreamUnreachable
from gateway.exchange import Exchange, Reservation
from gateway.facts import Payment, Principal
from gateway.ledger.claims import method_of, reference_of
from gateway.ledger.records import Entry, Record, ReferenceTaken
from gateway.ledger.schedules import WINDOW, Planned, Schedule
from gateway.messages import Response
from gateway.outcomes import Outcome

if TYPE_CHECKING:
    from gateway.dataplane.chain import Chain
    from gateway.dataplane.still_due import StillDue
    from gateway.dataplane.upstream import Upstream

_Change: TypeAlias = tuple[Awaitable[bool], str]
"""What was handed over to the ledger, and what people are told once it is committed; nothing where that is empty."""


class ReferenceInUse(Rejected):
    """Of what is to be paid another payment is open, or has succeeded."""

    status = 409
    code = "reference_in_use"

    def __init__(self, holder: Record) -> None:
        over = "has been paid already" if holder.state == "succeeded" else "is being paid by another request"
        where = {"location": STATUS_PATH + holder.id}
        super().__init__(
            f"What this payment is for {over}: what becomes of that one is at the Location",
            headers=where,
            payment_id=holder.id,
            state=holder.state,
        )


@dataclass(frozen=True, slots=True)
class Retrying:
    """What makes a route's attempts: its filters below the one that claims, its upstream, whom to ask before."""

    chain: Chain
    recorder: SchedulingRecorder
    upstream: Upstream
    still_due: StillDue


@dataclass(frozen=True, slots=True)
class AttemptOf:
    """A fact: this exchange is the gateway's own attempt."""

    schedule: Schedule


class SchedulingRecorder(Recorder):
    """A recorder of a route with ``scheduled_retry``.

    Whatever it plans, or ends, is committed with the outcome that it follows from.
    """

    def __init__(self, *given: Any, retry: RetryTerms, **options: Any) -> None:
        super().__init__(*given, **options)
        self.retry = retry
        self._schedules = self._ledger.schedules

    # one payment of a reference

    async def reserve(self, exchange: Exchange, claim: bytes, fingerprint: str, window: float) -> Reservation | Record:
        try:
            return await super().reserve(exchange, claim, fingerprint, window)
        except ReferenceTaken as taken:
            exchange.reservation = None
            raise ReferenceInUse(taken.holder) from None

    async def reserve_again(self, exchange: Exchange, record: Record) -> Reservation | None:
        try:
            reservation = await super().reserve_again(exchange, record)
        except ValueError:  # two of one reference at once: the database has refused this one
            reservation = None
        if reservation is None and record.reference is not None:
            holder = await self._ledger.find_reference(record.reference)
            if holder is not None and holder.id != record.id:
                raise ReferenceInUse(holder)
        return reservation

    async def _send(self, exchange: Exchange) -> None:
        try:
            await super()._send(exchange)
        except ReferenceTaken as taken:
            exchange.reservation = None
            raise ReferenceInUse(taken.holder) from None

    def _entry(self, exchange: Exchange, claim: bytes | None, fingerprint: str | None, keep: float) -> Entry:
        reference, method = self.names(exchange)
        entry = super()._entry(exchange, claim, fingerprint, max(keep, WINDOW))
        return entry._replace(reference=reference, method=method)

    def names(self, exchange: Exchange) -> tuple[bytes | None, bytes | None]:
        """What stands for the reference and for the payment method of a request."""
        said, principal = self._said(exchange), exchange.get(Principal)
        owner = "" if principal is None else self._means.owners.known_as(principal.id)
        tenant = self.retry.tenant
        return (
            None if said.reference is None else reference_of(tenant, owner, self._terms.operation, said.reference),
            None if said.method is None else method_of(tenant, said.method),
        )

    def held(self) -> tuple[float, float]:
        """For how many seconds a recorded attempt may wait to be sent, and then for how long nobody else takes it."""
        return self._terms.claim, self._lease

    def reference(self, exchange: Exchange) -> str:
        """The reference itself, of a request that has one."""
        return self._said(exchange).reference or ""

    def pays(self, exchange: Exchange, reference: bytes) -> bool:
        """Whether this is what the request pays for as the policy reads it now, and not as one before did."""
        try:
            return self.names(exchange)[0] == reference
        except InvalidPayment:
            return False

    def _said(self, exchange: Exchange) -> Said:
        """As the request says it where it is claimed: a filter above may have put a token in the place of a card."""
        said = exchange.get(Said)
        if said is None:
            said = read(self.retry, exchange.request.json())
            exchange.put(said)
        return said

    # another attempt

    async def dispatch(self, exchange: Exchange) -> Response:
        response = await super().dispatch(exchange)
        if exchange.outcome is Outcome.FAILED:
            exchange.put(self.retry.declines.of(response.status, response.headers, response.body.data))
        return response

    async def _keep(self, exchange: Exchange, error: UpstreamUnreachable) -> bool:
        """An attempt of the gateway's own is not kept for later: it would be made without asking whether it is due."""
        return exchange.get(AttemptOf) is None and await super()._keep(exchange, error)

    async def _settle(self, exchange: Exchange, *, whole: bool) -> None:
        reservation, changes = exchange.reservation, list[_Change]()
        if reservation is not None:
            changes = [*self._changes(exchange, reservation)]
        await super()._settle(exchange, whole=whole)
        for change, told in changes:
            assert reservation is not None
            await self._committed(change, told, reservation)

    async def _committed(self, change: Awaitable[bool], told: str, reservation: Reservation) -> None:
        try:
            if await change and told:
                self._means.tell(told, severity="info", payment=reservation.id)
        except DatabaseDown:  # as with its outcome, nobody knows whether this took effect; either does no harm
            self._means.tell("retry_not_recorded", payment=reservation.id)

    def _changes(self, exchange: Exchange, reservation: Reservation) -> Iterator[_Change]:
        outcome, attempt = outcome_of(exchange), exchange.get(AttemptOf)
        decline = exchange.get(Decline) if outcome is Outcome.FAILED else None
        method: bytes | None
        if attempt is not None:
            first, method = attempt.schedule.payment, attempt.schedule.method
            yield from self._of_attempt(attempt.schedule, reservation.id, outcome, decline, exchange)
        else:
            first, (reference, method) = reservation.id, self.names(exchange)
            if reference is not None and outcome is not Outcome.RELEASED:
                yield self._schedules.displace(reference, first, "client_attempt"), ""
                if decline is not None and decline.kind == "soft":
                    code = self._means.masks.document(decline.code)
                    yield from self._planned(exchange, first, reference, method, code)
        if decline is not None and decline.kind == "never" and method is not None:
            yield self._schedules.condemn(method, first, "declined_for_good"), ""

    def _of_attempt(
        self,
        schedule: Schedule,
        payment: str,
        outcome: Outcome,
        decline: Decline | None,
        exchange: Exchange,
    ) -> Iterator[_Change]:
        """What is open stays with whoever follows it."""
        first = schedule.payment
        if outcome is Outcome.SUCCEEDED:
            yield self._schedules.end(first, payment, "succeeded"), "retry_succeeded"
        elif outcome is Outcome.RELEASED:
            why = "released" if exchange.error is None else exchange.error.code
            yield self._schedules.again(first, payment, self.retry.backoff.pause(schedule.missed), None, why), ""
        elif decline is not None and decline.kind == "soft":
            pause = self.retry.pauses.after(schedule.declined + 1)
            if pause is None:
                yield self._schedules.end(first, payment, "exhausted"), "retry_exhausted"
            else:
                code = self._means.masks.document(decline.code)
                yield self._schedules.again(first, payment, pause, code or "soft"), ""
        elif outcome is Outcome.FAILED:
            for_good = decline is not None and decline.kind == "never"
            yield self._schedules.end(first, payment, "declined_for_good" if for_good else "declined"), "retry_declined"

    def _planned(
        self,
        exchange: Exchange,
        payment: str,
        reference: bytes,
        method: bytes | None,
        code: str,
    ) -> Iterator[_Change]:
        reason = self._reason_against(exchange)
        request = None if reason else self._seal(exchange, payment)
        pause = self.retry.pauses.after(0)
        if request is None or method is None or pause is None:
            exchange.note("retry_not_scheduled", reason=reason or "not_kept")
            if reason == SECURITY_CODE:
                self._means.tell("retry_not_scheduled", severity="info", payment=payment, reason=reason)
            return
        facts, principal = exchange.get(Payment), exchange.get(Principal)
        planned = Planned(
            payment,
            self._terms.route,
            None if principal is None else self._means.owners.known_as(principal.id),
            reference,
            method,
            None if facts is None else facts.amount,
            None if facts is None else facts.currency,
            code,
            max(self._terms.keep, WINDOW),
            request,
        )
        exchange.note("retry_scheduled", code=code)
        yield self._schedules.add(planned, pause, self.retry.within), "retry_scheduled"

    def _reason_against(self, exchange: Exchange) -> str | None:
        said, payment = self._said(exchange), exchange.get(Payment)
        if said.method is None or (payment is not None and payment.card is not None):
            return "no_stored_method"
        if not said.consented:
            return "not_merchant_initiated"
        if not self._upstream.has_key(exchange):
            return "no_key"
        return unkeepable(exchange, self.retry.headers)
