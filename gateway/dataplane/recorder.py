"""The recorder: what the ledger knows of a payment, written around its dispatch by the core and by nobody else."""

from __future__ import annotations

from functools import partial
from time import monotonic

from gateway.database.protocol import DatabaseDown
from gateway.dataplane.acceptance import Limits, accepted, reason_against, refused, unkeepable
from gateway.dataplane.outcomes import Outcomes
from gateway.dataplane.terms import Means, Terms
from gateway.dataplane.upstream import Upstream, target
from gateway.errors import BodyTooLarge, GatewayError, Rejected, UpstreamUnreachable
from gateway.exchange import Delivery, Exchange, Reservation
from gateway.facts import Payment, Principal
from gateway.holding import Hold
from gateway.ids import payment_id
from gateway.ledger.bodies import Bodies, HoldsCode
from gateway.ledger.records import Entry, Record, Settlement, State
from gateway.ledger.trail import trail_of
from gateway.messages import Response
from gateway.outcomes import Outcome

NO_PAYMENT = "request"
"""The operation of a route that names none."""

PAYMENT_ID = b"payguard-payment-id"
"""The header that names a payment's record to its client."""

_STATES: dict[Outcome, State] = {outcome: State(outcome) for outcome in Outcome if outcome is not Outcome.REPEATED}
_OPEN = frozenset({Outcome.PENDING, Outcome.IN_DOUBT})
_ANSWERS = frozenset({Outcome.SUCCEEDED, Outcome.FAILED, Outcome.PENDING})
"""Outcomes whose answer a repeat is given again."""

_NO_DECISION = frozenset({401, 408, 429})
SECURITY_CODE = "security_code"
"""Why a request or an answer is not kept, so that it can neither be sent again nor be given again."""

_TOO_MUCH = "too_much_waits"

_UNSENT, _UNKNOWN = Delivery.UNSENT, Delivery.UNKNOWN  # on CPython 3.11 a look-up in an Enum costs 0.2 µs


class ClaimLost(GatewayError):
    """The claim ran out before the request was sent; it was not sent."""

    status = 503
    code = "claim_lost"


class Recorder:
    """Stands between a route's chain and its upstream.

    Filters reach it by ``Exchange.reserve``.  ``dispatch`` commits ``sent`` before the first byte; where that fails,
    or nobody knows whether it took effect, nothing is sent.  ``conclude`` writes what became of it, from the
    upstream's own answer; it is called once for each exchange, with what goes up from here, and never alters it for a
    failure of the ledger.
    """

    def __init__(
        self, terms: Terms, means: Means, upstream: Upstream, outcomes: Outcomes, *, buffer: int = 1 << 20
    ) -> None:
        self._buffer = buffer
        self._terms = terms
        self._means = means
        self._ledger = means.ledger
        self._upstream = upstream
        self._outcomes = outcomes

    @property
    def bodies(self) -> Bodies:
        return self._means.bodies

    @property
    def policy(self) -> str:
        """Whose recorder it is: the digest of the policy."""
        return self._terms.policy

    @property
    def limits(self) -> Limits | None:
        return self._terms.limits

    @property
    def holding(self) -> Hold | None:
        return self._terms.hold

    # for filters

    async def reserve(self, exchange: Exchange, claim: bytes, fingerprint: str, window: float) -> Reservation | Record:
        entry = self._entry(exchange, claim, fingerprint, max(window, self._terms.keep))
        terms, now = self._terms, monotonic()
        at_once = terms.at_once
        send_by = now + (self._upstream.timeouts.total if at_once else terms.claim)
        exchange.reservation = reservation = Reservation(entry.id, 1, send_by, sent=at_once)
        while True:
            if at_once:
                made = self._ledger.begin(entry, self._upstream.timeouts.total + terms.grace)
            else:
                made = self._ledger.reserve(entry, self._lease)
            if await made:
                return reservation
            record = await self._ledger.find_claim(claim)
            if record is not None:
                exchange.reservation, exchange.outcome = None, Outcome.REPEATED
                return record
            # it was pruned in between: the claim is free

    async def reserve_again(self, exchange: Exchange, record: Record) -> Reservation | None:
        entry = self._entry(exchange, record.claim, record.fingerprint, record.keep)
        send_by = monotonic() + self._terms.claim
        if not await self._ledger.reserve_again(record.id, record.epoch, entry, self._lease):
            return None
        # not before: until it is known, the epoch may be another's, whom nobody may release who only wanted it
        exchange.reservation = Reservation(record.id, record.epoch + 1, send_by, earlier=record.trail)
        exchange.outcome = None
        return exchange.reservation

    def stored_answer(self, record: Record) -> Response | None:
        return self._means.bodies.open_answer(record)

    async def hold(self, exchange: Exchange, reason: str) -> Response | None:
        reservation, terms = exchange.reservation, self._terms.hold
        if reservation is None or reservation.sent or terms is None:
            exchange.note("not_held", reason="not_claimed")
            return None
        against = unkeepable(exchange, terms.headers)
        request = None if against else self._seal(exchange, reservation.id)
        if request is None:
            exchange.note("not_held", reason=against or "not_kept")
            return None
        trail = trail_of(exchange, self._means.masks, reservation.earlier)
        held = self._ledger.hold(
            reservation.id, reservation.epoch, request, trail, most=terms.most, within=terms.within, reason=reason
        )
        self._audit(exchange, reservation.id, State.HELD, reason)
        if not await held:
            exchange.note("not_held", reason=_TOO_MUCH)
            self._audit(exchange, reservation.id, "not_recorded", _TOO_MUCH)
            return None
        reservation.held = True
        return accepted(exchange, reservation, State.HELD)

    @property
    def _lease(self) -> float:
        """Of a reservation: longer than anybody acts on it."""
        return self._terms.claim + self._terms.grace

    def _entry(self, exchange: Exchange, claim: bytes | None, fingerprint: str | None, keep: float) -> Entry:
        payment, principal = exchange.get(Payment), exchange.get(Principal)
        terms = self._terms
        return Entry(
            payment_id(),
            terms.route,
            terms.operation,
            self._upstream.name,
            exchange.id,
            exchange.trace.trace_id,
            terms.policy,
            keep,
            None if principal is None else self._means.owners.known_as(principal.id),
            claim,
            fingerprint,
            *(self._money(payment) if payment is not None else ()),
        )

    def _money(self, payment: Payment) -> tuple[int | None, str | None, str | None, str | None]:
        customer = None if payment.customer is None else self._means.hash("customer", payment.customer)
        return payment.amount, payment.currency, customer, None if payment.card is None else payment.card.hash

    # for the chain

    async def dispatch(self, exchange: Exchange) -> Response:
        """The upstream's answer, all of it where it is not too large, and on the exchange what it means."""
        if exchange.reservation is None or not exchange.reservation.sent:
            exchange.before_send(partial(self._send, exchange))
        response = await self._upstream.dispatch(exchange)
        body = response.body
        if body.data is None:
            try:
                await body.buffer(self._buffer)
            except BodyTooLarge:
                exchange.note("answer_not_kept", limit=self._buffer)
        exchange.outcome = self._outcomes.of(response.status, response.headers, body.data)
        return response

    async def _send(self, exchange: Exchange) -> None:
        """Committed when this returns; raises where it is not, or nobody knows."""
        terms, reservation = self._terms, exchange.reservation
        began = monotonic()
        lease = self._upstream.timeouts.total + terms.grace
        if reservation is None:
            entry = self._entry(exchange, None, None, terms.keep)
            reservation = exchange.reservation = Reservation(entry.id, 1, 0.0, sent=True)
            committed = self._ledger.begin(entry, lease, self._request(exchange, entry.id))
        elif began > reservation.send_by:
            raise ClaimLost("The claim on this payment ran out before it was sent: repeat it with the same key")
        else:
            reservation.sent = True
            committed = self._ledger.send(
                reservation.id, reservation.epoch, lease, self._request(exchange, reservation.id)
            )
        if not await committed:
            raise ClaimLost("Somebody else has the claim on this payment by now: repeat it with the same key")
        reservation.send_by = began + self._upstream.timeouts.total

    def _request(self, exchange: Exchange, id: str) -> bytes | None:  # noqa: A002
        """What is about to be sent, sealed, where the ledger is to have it."""
        return self._seal(exchange, id) if self._terms.keep_request else None

    def _seal(self, exchange: Exchange, id: str) -> bytes | None:  # noqa: A002
        request = exchange.request
        if request.body.data is None:
            return None
        try:
            return self._means.bodies.request(
                id, request.method, target(exchange), request.headers.raw, request.body.data
            )
        except HoldsCode:
            self._forgo("request_not_kept", exchange, id)
            return None

    def _forgo(self, code: str, exchange: Exchange, id: str) -> None:  # noqa: A002
        """What would be kept is not, because it holds a card's security code: people are told."""
        exchange.note(code, reason=SECURITY_CODE)
        self._means.tell(code, severity="info", payment=id, reason=SECURITY_CODE)

    async def conclude(self, exchange: Exchange) -> None:
        """Write what became of it, before a byte of the answer leaves; of an answer that streams, once it has ended."""
        if exchange.reservation is not None and exchange.reservation.held:
            exchange.outcome = Outcome.PENDING
            return
        if isinstance(exchange.error, UpstreamUnreachable) and exchange.delivery is _UNSENT:
            if await self._keep(exchange, exchange.error):
                return
            exchange.response = refused(exchange, exchange.error)
        if exchange.answer.body.data is None:
            exchange.at_end(partial(self._settle, exchange, whole=False))
        else:
            await self._settle(exchange, whole=True)

    async def _keep(self, exchange: Exchange, error: UpstreamUnreachable) -> bool:
        """Accept it, where the route does; whether there is nothing more to write."""
        reservation, limits = exchange.reservation, self._terms.limits
        if reservation is None or limits is None or reservation.promised:
            return False
        reason = reason_against(exchange, limits)
        request = None if reason else self._seal(exchange, reservation.id)
        if request is None:
            self._refuse(exchange, reservation, reason or "not_kept")
            return False
        committed = self._ledger.accept(
            reservation.id,
            reservation.epoch,
            request,
            trail_of(exchange, self._means.masks, reservation.earlier),
            most=limits.most,
            ceiling=limits.ceiling[exchange.require(Payment).currency or ""],
            within=limits.seconds,
        )
        self._audit(exchange, reservation.id, State.ACCEPTED, "")
        try:
            accepted_now = await committed
        except DatabaseDown:  # it may have been: then it is sent later, and a repeat of its key is told so
            exchange.response = refused(exchange, error)
            return True
        if not accepted_now:
            self._audit(exchange, reservation.id, "not_recorded", _TOO_MUCH)
            self._refuse(exchange, reservation, _TOO_MUCH)
            return False
        exchange.error, exchange.outcome = None, Outcome.PENDING
        exchange.response = accepted(exchange, reservation)
        return True

    def _refuse(self, exchange: Exchange, reservation: Reservation, reason: str) -> None:
        """It will be answered with why its upstream cannot be reached, and why it was not accepted."""
        exchange.note("not_accepted", reason=reason)
        self._means.tell("payment_not_accepted", severity="info", payment=reservation.id, reason=reason)
        assert exchange.error is not None
        exchange.error.members["not_accepted"] = reason

    async def _settle(self, exchange: Exchange, *, whole: bool) -> None:
        reservation = exchange.reservation
        if reservation is None and exchange.outcome is Outcome.REPEATED:
            return
        exchange.outcome = outcome = outcome_of(exchange)
        if reservation is None:
            self._refused(exchange)
            return
        settlement = self._settlement(exchange, reservation, outcome, whole=whole)
        committed = self._ledger.settle(reservation.id, reservation.epoch, settlement)
        self._audit(exchange, reservation.id, settlement.state, settlement.reason)
        try:
            kept = await committed
        except DatabaseDown:
            if reservation.sent:  # a reservation alone ends with its lease
                self._means.late.add(reservation.id, reservation.epoch, settlement)
            if outcome is not Outcome.RELEASED:
                self._tell("outcome_not_recorded", settlement, reservation)
            return
        if not kept and reservation.sent and exchange.delivery is not _UNSENT:  # what was not sent harms nobody
            self._tell("outcome_refused", settlement, reservation)
            self._audit(exchange, reservation.id, "not_recorded", "outcome_refused")

    def _audit(self, exchange: Exchange, subject: str, outcome: str, reason: str) -> None:
        """In the same commit as what was written of it just before; nobody waits for more than that."""
        terms, payment, principal = self._terms, exchange.get(Payment), exchange.get(Principal)
        detail: dict[str, str | int] = {
            "operation": terms.operation,
            "route": terms.route,
            "upstream": self._upstream.name,
            "request": exchange.id,
        }
        if payment is not None and payment.amount is not None:
            detail["amount"], detail["currency"] = payment.amount, payment.currency or ""
        if reason:
            detail["reason"] = reason
        self._means.audit.record(
            "payment.decide",
            subject=subject,
            outcome=outcome,
            principal=None if principal is None else principal.id,
            ip=exchange.received.client,
            policy=terms.policy,
            detail=detail,
        )

    def _refused(self, exchange: Exchange) -> None:
        """One that no record was made of.  Who comes too often, or shows no credential, decided nothing about it."""
        error = exchange.error
        if isinstance(error, Rejected) and error.status not in _NO_DECISION and self._terms.operation != NO_PAYMENT:
            self._audit(exchange, exchange.id, "refused", error.code)

    def _tell(self, code: str, settlement: Settlement, reservation: Reservation) -> None:
        self._means.tell(code, severity="critical", payment=reservation.id, state=settlement.state)

    def _settlement(self, exchange: Exchange, reservation: Reservation, outcome: Outcome, *, whole: bool) -> Settlement:
        id, answer, sealed = reservation.id, exchange.response, None  # noqa: A001
        if answer is not None and outcome is not Outcome.RELEASED:
            answer.headers.raw.append((PAYMENT_ID, id.encode()))
        if whole and outcome in _ANSWERS and exchange.error is None and answer is not None:
            sealed = self._sealed_answer(exchange, answer, id)
        return Settlement(
            State.ACCEPTED if outcome is Outcome.RELEASED and reservation.promised else _STATES[outcome],
            "" if exchange.error is None else exchange.error.code,
            exchange.delivery.value,
            len(exchange.attempts),
            exchange.attempts[-1].status if exchange.attempts else None,
            sealed,
            trail_of(exchange, self._means.masks, reservation.earlier),
            self._terms.stuck_after if outcome in _OPEN else None,
        )

    def _sealed_answer(self, exchange: Exchange, answer: Response, id: str) -> bytes | None:  # noqa: A002
        try:
            return self._means.bodies.answer(id, answer.status, answer.headers.raw, answer.body.data or b"")
        except HoldsCode:
            self._forgo("answer_not_kept", exchange, id)
            return None


def outcome_of(exchange: Exchange) -> Outcome:
    """By the upstream's own answer, whatever filters made of it."""
    if exchange.delivery is _UNSENT:
        return Outcome.RELEASED
    if exchange.delivery is _UNKNOWN or exchange.outcome is None:
        return Outcome.IN_DOUBT
    return exchange.outcome
