"""The API under /api/v1, and the drain: what the CLI, the dashboard and components use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.admin import payments
from gateway.admin.answers import Json, moment
from gateway.admin.state import AdminState
from gateway.control.jobs import JobState
from gateway.control.reloader import PolicyStatus


def routes(state: AdminState) -> list[BaseRoute]:
    return [
        Route("/drain", _drain(state), methods=["POST"]),
        Route("/api/v1/policy", _policy(state), methods=["GET"]),
        Route("/api/v1/jobs", _jobs(state), methods=["GET"]),
        *payments.routes(state),
        Mount("/api/v1/{component}", _components(state)),
    ]


def _drain(state: AdminState) -> Callable[[Request], Any]:
    async def drain(_: Request) -> Response:
        return Json({"draining": True, "remaining": state.drain()}, 202)

    return drain


def _policy(state: AdminState) -> Callable[[Request], Any]:
    async def policy(_: Request) -> Response:
        return Json(_status(state.policy()))

    return policy


def _status(status: PolicyStatus) -> dict[str, Any]:
    rejection = status.rejection
    return {
        "digest": status.digest,
        "source": status.source,
        "activated_at": moment(status.activated_at),
        "rejection": rejection
        and {"at": moment(rejection.at), "reasons": rejection.reasons, "transient": rejection.transient},
        "unreadable": status.unreadable,
        "reloads": status.reloads,
    }


def _jobs(state: AdminState) -> Callable[[Request], Any]:
    async def jobs(_: Request) -> Response:
        return Json({"items": [_job(each) for each in state.jobs.states], "next": None})

    return jobs


def _job(state: JobState) -> dict[str, Any]:
    return {
        "name": state.job.name,
        "every_seconds": state.job.every,
        "running": state.running,
        "started_at": moment(state.started_at),
        "next_at": moment(state.next_at),
        "duration_ms": None if state.seconds is None else round(state.seconds * 1000, 3),
        "result": state.result,
        "error": state.error,
        "results": dict(state.results),
    }


def _components(state: AdminState) -> ASGIApp:
    """Each component's own routes.  They are asked for anew, as a reload may bring and take components."""

    async def components(scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path_params"]["component"]
        for component in state.components():
            if component.name == name:
                await Router(component.admin_routes(), redirect_slashes=False)(scope, receive, send)
                return
        raise HTTPException(404, f"No component of the policy is called {name}")

    return components
