"""/api/v1/detections: which fields of live traffic carried card data that no filter protects; never what they held."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.admin.answers import Json, Problem, moment
from gateway.admin.parameters import LIMIT, BadParameter, limit_of
from gateway.admin.state import AdminState
from gateway.detections import Detections, Field, Seen
from gateway.spelling import did_you_mean

NAMES = ("route", "limit", "cursor")


def routes(state: AdminState) -> list[BaseRoute]:
    return [Route("/api/v1/detections", _list(state.detections), methods=["GET"])]


def _list(detections: Detections) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def listing(request: Request) -> Response:
        try:
            asked = _asked(request)
            limit = limit_of("limit", asked["limit"]) if "limit" in asked else LIMIT
        except BadParameter as error:
            return Problem(400, "invalid_parameter", str(error), parameter=error.name)
        rows = sorted(
            (f"{route} {field.label} {field.kind}", route, field, seen)
            for route, fields in detections.all().items()
            for field, seen in fields.items()
            if asked.get("route", route) == route
        )
        page = [row for row in rows if row[0] > asked.get("cursor", "")][: limit + 1]
        following = page[limit - 1][0] if len(page) > limit else None
        items = [_item(*row[1:]) for row in page[:limit]]
        return Json({"items": items, "next": following, "passed_over": detections.unseen})

    return listing


def _asked(request: Request) -> dict[str, str]:
    asked = dict(request.query_params)
    for name in asked:
        if name not in NAMES:
            raise BadParameter(name, f"there is no such parameter{did_you_mean(name, NAMES)}")
    return {name: value for name, value in asked.items() if value}


def _item(route: str, field: Field, seen: Seen) -> dict[str, Any]:
    return {
        "route": route,
        "where": field.where,
        "field": field.name,
        "kind": field.kind,
        "count": seen.count,
        "first_at": moment(seen.first),
        "last_at": moment(seen.last),
    }
