"""/api/v1/payments/{id}/approve and reject: what a reviewer decides of a payment that is held."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.admin.answers import Json, Problem, peer
from gateway.admin.parameters import Decision, review_of
from gateway.admin.payments import Answer, changed, conflict, found, shown, unknown, with_ledger
from gateway.database.protocol import DatabaseDown
from gateway.ledger.protocol import Ledger
from gateway.ledger.records import Record, State

if TYPE_CHECKING:
    from gateway.admin.state import AdminState

APPROVED_FOR = 3600.0
"""Seconds in which a payment that was approved is sent, or has failed: long enough for a backend that restarts, and
short enough that nobody who was told of the approval wonders the next day."""

_ACTIONS = {State.ACCEPTED: "payment.approve", State.FAILED: "payment.reject"}


def routes(state: AdminState) -> list[BaseRoute]:
    return [
        Route("/api/v1/payments/{id}/approve", with_ledger(state, _review(state, State.ACCEPTED)), methods=["POST"]),
        Route("/api/v1/payments/{id}/reject", with_ledger(state, _review(state, State.FAILED)), methods=["POST"]),
    ]


def _review(state: AdminState, to: State) -> Answer:
    async def review(request: Request, ledger: Ledger) -> Response:
        decision = review_of(await request.body(), to)
        record = await found(request, ledger)
        if record is None:
            return unknown(request)
        if (refusal := _refusal(record, decision)) is not None:
            return refusal
        by = f"human:{state.mask(decision.by or 'unnamed')} via {request.scope['payguard.via']}"
        reason = state.mask(decision.reason)
        said: dict[str, Any] = {"principal": by, "ip": peer(request), "detail": {"reason": reason}}
        decided = _decided(ledger, record, to, by, reason)
        state.audit.add(_ACTIONS[to], subject=record.id, **said)
        if not await _certain(decided):
            state.audit.add(_ACTIONS[to], subject=record.id, outcome="not_recorded", **said)
            return changed(await ledger.find(record.id) or record)
        state.tell("payment_reviewed", payment=record.id, state=to, by=by, reason=reason)
        return Json(await shown(await ledger.find(record.id) or record, ledger))

    return review


def _decided(ledger: Ledger, record: Record, to: State, by: str, reason: str) -> Awaitable[bool]:
    """It is on its way when this returns: what is written now is in the same commit."""
    if to is State.ACCEPTED:
        return ledger.approve(record.id, record.revision, by=by, reason=reason, within=APPROVED_FOR)
    return ledger.resolve(record.id, record.revision, to, by=by, reason=reason)


async def _certain(decided: Awaitable[bool]) -> bool:
    try:
        return await decided
    except DatabaseDown as error:
        raise DatabaseDown("Nobody knows whether this was recorded: look at the payment first") from error


def _refusal(record: Record, decision: Decision) -> Problem | None:
    if decision.revision not in (None, record.revision):
        return changed(record)
    if record.state is State.HELD:
        return None
    return conflict("payment_not_held", f"This payment is {record.state}: it waits for no reviewer.", record)
