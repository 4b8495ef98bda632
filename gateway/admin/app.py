"""The admin port's application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from gateway.admin import api, probes
from gateway.admin.access import Access, Tokens
from gateway.admin.answers import http_problem, internal_problem
from gateway.admin.state import AdminState

if TYPE_CHECKING:
    from gateway.control.process import Process

LARGEST_BODY = 1 << 20


def create_admin(process: Process) -> Starlette:
    """The admin port of a process that runs."""
    settings, foundation, draining = process.settings, process.foundation, process.draining

    def drain() -> float:
        draining.begin()
        return draining.remaining

    return admin(
        AdminState(
            health=process.upkeep.health,
            jobs=process.upkeep.jobs,
            metrics=foundation.metrics if settings.monitoring_enabled else None,
            policy=lambda: process.reloader.status,
            drain=drain,
            components=lambda: process.active.snapshot.components,
            tokens=Tokens(_value(settings.admin_token_read), _value(settings.admin_token_operate)),
        )
    )


def admin(state: AdminState) -> Starlette:
    app = Starlette(
        routes=[*probes.routes(state), *api.routes(state)],
        middleware=[Middleware(Access, tokens=state.tokens)],
        exception_handlers={HTTPException: http_problem, Exception: internal_problem},
        max_body_size=LARGEST_BODY,
    )
    app.router.redirect_slashes = False
    return app


def _value(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
