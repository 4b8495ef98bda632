from __future__ import annotations

import pytest
from starlette.routing import Route

from gateway.admin.access import OPEN
from gateway.admin.app import LARGEST_BODY, create_admin
from gateway.parts import Component, Config
from tests.gateway.admin.admins import client, state
from tests.gateway.admin.test_state import process
from tests.gateway.telemetry.documented import table


class Broken(Component[Config]):
    name = "broken"

    def admin_routes(self):
        async def bug(request):
            await request.body()
            raise RuntimeError("secret inside")

        return [Route("/bug", bug, methods=["GET", "POST"])]


def test_a_process_has_an_admin_port():
    routes = {route.path for route in create_admin(process()).routes}
    assert routes >= {
        "/livez",
        "/readyz",
        "/startupz",
        "/healthz",
        "/metrics",
        "/drain",
        "/api/v1/policy",
        "/api/v1/jobs",
    }


async def test_a_bug_shows_nothing_of_the_inside():
    async with client(state(components=lambda: [Broken(Config(), None)])) as local:
        answer = await local.get("/api/v1/broken/bug")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


async def test_a_body_without_end_is_refused():
    async with client(state(components=lambda: [Broken(Config(), None)])) as local:
        answer = await local.post("/api/v1/broken/bug", content=b"x" * (LARGEST_BODY + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/", "/api/v1/policy/", "/docs"])
async def test_what_is_not_there_is_a_problem(path):
    async with client(state()) as local:
        answer = await local.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_every_route_is_documented_and_no_other_is():
    documented = {request.split(" ")[1] for request, *_ in table("Probes and the admin port")}
    paths = {route.path.replace("{component}", "<component>/…") for route in create_admin(process()).routes}
    assert paths == documented


def test_what_anyone_may_ask_is_documented():
    assert {request.split(" ")[1] for request, _, who in table("Probes and the admin port") if who == "anyone"} == OPEN
