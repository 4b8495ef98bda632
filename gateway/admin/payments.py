"""/api/v1/payments: what the ledger knows of payments, and a human's word on what became of one."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.admin.answers import Json, Problem, peer
from gateway.admin.documents import RESOLVABLE, item, whole
from gateway.admin.parameters import BadParameter, Decision, asked_of, decision_of
from gateway.database.protocol import DatabaseDown
from gateway.ledger.claims import claim_of
from gateway.ledger.protocol import Ledger
from gateway.ledger.records import SETTLED, Query, Record, State

if TYPE_CHECKING:
    from gateway.admin.state import AdminState

Endpoint: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]
Answer: TypeAlias = Callable[[Request, Ledger], Coroutine[Any, Any, Response]]

ID = re.compile(r"[0-9A-Za-z]{1,64}")


def routes(state: AdminState) -> list[BaseRoute]:
    return [
        Route("/api/v1/payments", with_ledger(state, _list(state)), methods=["GET"]),
        Route("/api/v1/payments/{id}", with_ledger(state, _show), methods=["GET"]),
        Route("/api/v1/payments/{id}/resolve", with_ledger(state, _resolve(state)), methods=["POST"]),
    ]


def with_ledger(state: AdminState, answer: Answer) -> Endpoint:
    """What cannot be asked or done is a problem that says so."""

    @wraps(answer)
    async def endpoint(request: Request) -> Response:
        ledger = state.ledger()
        if ledger is None:
            return _unavailable("This gateway has no ledger")
        try:
            return await answer(request, ledger)
        except BadParameter as error:
            return Problem(400, "invalid_parameter", str(error), parameter=error.name)
        except DatabaseDown as error:
            return _unavailable(error.detail or "The ledger cannot be asked")

    return endpoint


def _unavailable(what: str) -> Problem:
    return Problem(503, DatabaseDown.code, f"{what}; /healthz says more.", {"retry-after": "5"})


def _list(state: AdminState) -> Answer:
    async def payments(request: Request, ledger: Ledger) -> Response:
        asked = asked_of(request.query_params.multi_items())
        if asked.customer is not None:
            customers = tuple(state.hashes("customer", asked.customer))
            asked = replace(asked, query=replace(asked.query, customers=customers))
        named = asked.query.owner
        if named is not None:
            asked = replace(asked, query=replace(asked.query, owner=state.known_as(named)))
        if asked.key is not None and named is not None:
            found_by = partial(claim_of, named, key=asked.key)
            return Json({"items": await _of_key(asked.query, found_by, ledger, state.routes()), "next": None})
        limit = asked.query.limit
        page = await ledger.list(replace(asked.query, limit=limit + 1))
        after = page[limit - 1].id if len(page) > limit else page.after
        return Json({"items": [item(each) for each in page[:limit]], "next": after})

    return payments


async def _of_key(
    query: Query, claim: Callable[[str], bytes], ledger: Ledger, routes: Sequence[str]
) -> list[dict[str, Any]]:
    """The records of a client's own key: one at most for each route that may have taken it."""
    found = list[Record]()
    for route in routes if query.route is None else (query.route,):
        found += await ledger.list(replace(query, claim=claim(route)))
    return [item(each) for each in sorted(found, key=lambda record: record.id, reverse=True)]


async def _show(request: Request, ledger: Ledger) -> Response:
    record = await found(request, ledger)
    return unknown(request) if record is None else Json(await shown(record, ledger))


async def shown(record: Record, ledger: Ledger) -> dict[str, Any]:
    """With what is linked to it, and the schedule by which it is tried again, or was made."""
    first = record.link_id if record.link_kind == "retry_of" else None
    return whole(record, await ledger.linked(record.id), await ledger.schedules.find(first or record.id))


async def found(request: Request, ledger: Ledger) -> Record | None:
    id = request.path_params["id"]  # noqa: A001
    return await ledger.find(id) if ID.fullmatch(id) else None


def unknown(request: Request) -> Problem:
    hint = "Its id stands in the header Payguard-Payment-Id; ?request_id= finds it by that of its request."
    return Problem(404, "payment_not_found", f"No payment has the id {request.path_params['id']!r}. {hint}")


def _resolve(state: AdminState) -> Answer:
    async def resolve(request: Request, ledger: Ledger) -> Response:
        decision = decision_of(await request.body())
        record = await found(request, ledger)
        if record is None:
            return unknown(request)
        if (refusal := _refusal(record, decision)) is not None:
            return refusal
        by = f"human:{state.mask(decision.by or 'unnamed')} via {request.scope['payguard.via']}"
        reason = state.mask(decision.reason)
        said: dict[str, Any] = {
            "principal": by,
            "ip": peer(request),
            "detail": {"was": record.state.value, "reason": reason},
        }
        resolved = _resolved(ledger, record, decision.state, by, reason)
        state.audit.add("payment.resolve", subject=record.id, outcome=decision.state.value, **said)
        if not await resolved:
            state.audit.add("payment.resolve", subject=record.id, outcome="not_recorded", **said)
            return changed(await ledger.find(record.id) or record)
        state.tell("payment_resolved", payment=record.id, was=record.state, state=decision.state, by=by, reason=reason)
        settled = await ledger.find(record.id)
        assert settled is not None
        return Json(await shown(settled, ledger))

    return resolve


def _resolved(ledger: Ledger, record: Record, state: State, by: str, reason: str) -> Awaitable[bool]:
    """It is on its way when this returns: what is written now is in the same commit."""
    return _certain(ledger.resolve(record.id, record.revision, state, by=by, reason=reason))


async def _certain(resolved: Awaitable[bool]) -> bool:
    try:
        return await resolved
    except DatabaseDown as error:
        raise DatabaseDown(
            "Nobody knows whether this was recorded: look at the payment before you repeat it"
        ) from error


def _refusal(record: Record, decision: Decision) -> Problem | None:
    """Why this cannot be said of such a record."""
    if decision.revision not in (None, record.revision):
        return changed(record)
    allowed = RESOLVABLE.get(record.state, ())
    if decision.state in allowed:
        return None
    if record.state in SETTLED:
        return conflict("payment_settled", f"This payment is {record.state} already; that stays.", record)
    if not allowed:
        why = f"This payment is {record.state}: whoever has it in hand is asked first. It may be resolved once it is"
        return conflict("payment_under_way", f"{why} in_doubt or pending.", record)
    only = " or ".join(allowed)
    return conflict("transition_refused", f"A payment that is {record.state} can be taken to {only} only.", record)


def changed(now: Record) -> Problem:
    what = f"This payment has changed meanwhile: it is {now.state}, in revision {now.revision}."
    return conflict("payment_changed", f"{what} Look at it, and decide again.", now)


def conflict(code: str, detail: str, record: Record) -> Problem:
    return Problem(409, code, detail, state=record.state, revision=record.revision)
