"""Requests of the gateway's own, as a part makes them by ``Scope.fetch``: over real sockets, at a real upstream."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway import Component, Config, Filter, Headers, Principal, Request, Response, Scope
from gateway.dataplane.router import RouteNotFound
from gateway.testing import backend, running_gateway


class Judge(Filter[Config]):
    """Refuses whoever reaches it: a request of the gateway's own does not."""

    name = "judge"

    async def on_request(self, exchange: Any) -> Response | None:
        return Response(403)


class Entry(Filter[Config]):
    name = "entry"
    requires = ()

    async def on_request(self, exchange: Any) -> None:
        exchange.request.headers["x-owner"] = exchange.require(Principal).id

    async def on_response(self, exchange: Any) -> None:
        exchange.answer.headers["x-params"] = "".join(exchange.params.values())


ENDED: list[int] = []


async def ended() -> None:
    ENDED.append(1)


class Below(Filter[Config]):
    name = "below"

    async def on_request(self, exchange: Any) -> Response | None:
        exchange.at_end(ended)
        return Response(418) if exchange.request.path.endswith("teapot") else None

    async def on_response(self, exchange: Any) -> None:
        exchange.answer.headers["x-below"] = exchange.request.path


class Fetching(Component[Config]):
    name = "entry"

    def __init__(self, config: Config, scope: Scope) -> None:
        super().__init__(config, scope)
        self.counts = scope._services.fetches.counts  # type: ignore[attr-defined]  # what /metrics reads


POLICY = """
version: 1
components: {entry: {}}
upstreams: {backend: {url: URL}}
routes:
  - name: invoices
    match: {methods: [GET], path: "/v1/invoices/{id}", host: shop.example}
    upstream: backend
    filters: [judge, entry, below]
  - {name: bare, match: {path: /bare}, upstream: backend}
"""


def asked(method: str = "GET", path: str = "/v1/invoices/in_1") -> Request:
    return Request(method, path, query="full=1", headers=Headers({"host": "shop.example:8443", "accept": "text/plain"}))


@pytest.fixture
async def upstream():
    async with backend() as made:
        yield made


@pytest.fixture
async def gateway(upstream):
    policy = POLICY.replace("URL", upstream.url)
    async with running_gateway(policy=policy, plugins=[Judge, Entry, Below, Fetching]) as client:
        yield client


@pytest.fixture
def fetch(gateway):
    return gateway.component(Fetching).scope.fetch


async def test_it_enters_its_route_at_the_parts_own_filter_and_goes_through_those_below(fetch, upstream) -> None:
    upstream.will_answer(200, body=b"paid")
    ENDED.clear()
    answer = await fetch(asked(), facts=[Principal("shop-1")])
    assert (answer.status, answer.body.data) == (200, b"paid")
    assert (answer.headers["x-params"], answer.headers["x-below"]) == ("in_1", "/v1/invoices/in_1")
    assert ENDED == [1], "what waits for the end of an exchange is done"
    [seen] = upstream.seen
    assert (seen.target, seen.headers["x-owner"]) == ("/v1/invoices/in_1?full=1", "shop-1")
    assert (seen.headers["host"], seen.headers["x-forwarded-host"]) == ("shop.example:8443", "shop.example:8443")
    assert seen.headers["accept"] == "text/plain"


async def test_a_filter_below_that_answers_is_passed_up_as_for_a_client(fetch, upstream) -> None:
    answer = await fetch(asked(path="/v1/invoices/teapot"), facts=[Principal("a")])
    assert (answer.status, answer.headers["x-params"]) == (418, "teapot")
    assert upstream.seen == []


async def test_nothing_but_a_safe_request_is_made_and_only_where_a_route_has_the_filter(fetch, upstream) -> None:
    with pytest.raises(ValueError, match="POST is not safe"):
        await fetch(asked("POST"))
    with pytest.raises(ValueError, match="the route bare has no filter entry"):
        await fetch(asked(path="/bare"))
    with pytest.raises(RouteNotFound):
        await fetch(asked(path="/v2"))
    assert upstream.seen == []


async def test_it_ends_within_its_time_and_counts_apart_from_what_clients_ask(gateway, fetch, upstream) -> None:
    never = asyncio.Event()
    upstream.will_answer(after=never)
    with pytest.raises(TimeoutError):
        await fetch(asked(), facts=[Principal("a")], within=0.05)
    upstream.will_answer(503)
    upstream.will_answer(200)
    assert (await fetch(asked(), facts=[Principal("a")])).status == 503
    await fetch(asked(), facts=[Principal("a")])
    assert gateway.component(Fetching).counts == {("invoices", "failure"): 2, ("invoices", "success"): 1}
    assert gateway._ended.empty()
    never.set()
