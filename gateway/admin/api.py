"""The API under /api/v1, and the drain: what the CLI, the dashboard and components use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from gateway.admin import detections, keys, payments, retries, reviews
from gateway.admin.answers import Json, moment
from gateway.admin.state import AdminState
from gateway.control.jobs import JobState
from gateway.control.reloader import PolicyStatus


def routes(state: AdminState) -> list[BaseRoute]:
    components = _Components(state)
    return [
        Route("/drain", _drain(state), methods=["POST"]),
        Route("/api/v1/policy", _policy(state), methods=["GET"]),
        Route("/api/v1/jobs", _jobs(state), methods=["GET"]),
        *detections.routes(state),
        *retries.routes(state),
        *reviews.routes(state),
        *keys.routes(state),
        *payments.routes(state),
        Route("/api/v1/{component}", components),
        Mount("/api/v1/{component}", components),
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


class _Components:
    """Each component's own routes.  They are asked for anew, as a reload may bring and take components.

    A component's ``/`` is at its name, with or without a slash behind it.
    """

    def __init__(self, state: AdminState) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path_params"]["component"]
        if scope["path"] == f"/api/v1/{name}":
            scope = {**scope, "root_path": scope["path"], "path": f"{scope['path']}/"}
        for component in self._state.components():
            if component.name == name:
                await Router(component.admin_routes(), redirect_slashes=False)(scope, receive, send)
                return
        raise HTTPException(404, f"No component of the policy is called {name}")
