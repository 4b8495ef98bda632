"""The admin port's application: routes behind one rule of access, on a port that clients do not reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from gateway.admin import api, probes
from gateway.admin.access import Access
from gateway.admin.answers import http_problem, internal_problem
from gateway.admin.state import AdminState
from gateway.admin.visits import Visits

if TYPE_CHECKING:
    from gateway.control.process import Process

LARGEST_BODY = 1 << 20


def create_admin(process: Process) -> Starlette:
    """The admin port of a process that has started."""
    return admin(AdminState.of(process))


def admin(state: AdminState) -> Starlette:
    app = Starlette(
        routes=[*probes.routes(state), *api.routes(state)],
        middleware=[Middleware(Access, tokens=state.tokens, visits=Visits(state.audit))],
        exception_handlers={HTTPException: http_problem, Exception: internal_problem},
        max_body_size=LARGEST_BODY,
    )
    app.router.redirect_slashes = False
    return app
