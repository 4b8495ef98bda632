"""/api/v1/payments/retries: which declined payments are tried again and when, and a human's word that one is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.admin.answers import Json, Problem, peer
from gateway.admin.documents import retry
from gateway.admin.parameters import cancellation_of, phases_of
from gateway.admin.payments import ID, Answer, with_ledger
from gateway.database.protocol import DatabaseDown
from gateway.ledger.protocol import Ledger
from gateway.ledger.schedules import Schedule

if TYPE_CHECKING:
    from gateway.admin.state import AdminState


def routes(state: AdminState) -> list[BaseRoute]:
    return [
        Route("/api/v1/payments/retries", with_ledger(state, _list), methods=["GET"]),
        Route("/api/v1/payments/retries/{id}/cancel", with_ledger(state, _cancel(state)), methods=["POST"]),
    ]


async def _list(request: Request, ledger: Ledger) -> Response:
    asked = phases_of(request.query_params.multi_items())
    found = await ledger.schedules.list(asked.states, asked.limit + 1, asked.cursor)
    after = found[asked.limit - 1].payment if len(found) > asked.limit else None
    return Json({"items": [retry(each) for each in found[: asked.limit]], "next": after})


def _cancel(state: AdminState) -> Answer:
    async def cancel(request: Request, ledger: Ledger) -> Response:
        given = cancellation_of(await request.body())
        id = request.path_params["id"]  # noqa: A001
        if not ID.fullmatch(id):
            return _unknown(id)
        by = f"human:{state.mask(given.by or 'unnamed')} via {request.scope['payguard.via']}"
        reason = state.mask(given.reason)
        asked = ledger.schedules.cancel(id, by=by, reason=reason)
        said: dict[str, Any] = {"subject": id, "principal": by, "ip": peer(request), "detail": {"reason": reason}}
        state.audit.add("retry.cancel", outcome="cancelled", **said)
        try:
            cancelled = await asked
        except DatabaseDown as error:
            raise DatabaseDown("Nobody knows whether this was recorded: look at the schedule first") from error
        if not cancelled:
            state.audit.add("retry.cancel", outcome="not_recorded", **said)
        now = await ledger.schedules.find(id)
        if now is None:
            return _unknown(id)
        if not cancelled:
            return _over(now)
        state.tell("retry_cancelled", payment=id, by=by, reason=reason)
        return Json(retry(now))

    return cancel


def _unknown(id: str) -> Problem:  # noqa: A002
    return Problem(404, "retry_not_found", f"No payment of the id {id!r} is, or was, to be tried again.")


def _over(now: Schedule) -> Problem:
    what = "has ended already" if now.due_at is None else "ends with the attempt that is open"
    return Problem(409, "retry_over", f"This schedule {what}: {now.reason}.", state=now.state, reason=now.reason)
