from __future__ import annotations

import asyncio
from textwrap import dedent
from typing import Any

import httpx
import pytest

from gateway import Attempt, Component, Config, Exchange, Filter, Guard, Observer, Principal, Rejected
from gateway.control.compiler import PolicyError
from gateway.control.plugins import PluginError
from gateway.testing import backend, plugin_module, running_gateway


class Stamp(Filter[Config]):
    name = "stamp"

    async def on_request(self, exchange: Exchange) -> None:
        exchange.note("stamped")
        exchange.request.headers["x-stamped"] = "yes"


class Refuse(Filter[Config]):
    name = "refuse"

    async def on_request(self, exchange: Exchange) -> None:
        raise Rejected("no")


class Named(Filter[Config]):
    name = "named"
    requires = (Principal,)

    async def on_request(self, exchange: Exchange) -> None:
        exchange.request.headers["x-named"] = exchange.require(Principal).id


class Secretive(Filter[Config]):
    name = "secretive"

    async def open(self) -> None:
        self.secret = self.scope.secret("env:KEY")

    async def on_request(self, exchange: Exchange) -> None:
        exchange.request.headers["x-secret"] = self.secret


class Counting(Guard[Config]):
    name = "counting"
    attempts: list[int] = []  # noqa: RUF012 - of the test, which looks into it

    def settle(self, exchange: Exchange, attempt: Attempt | None, admitted: Any) -> None:
        assert attempt is not None
        self.attempts.append(attempt.number)


class Told(Observer[Config]):
    name = "told"
    routes: list[str] = []  # noqa: RUF012 - as above

    def ended(self, exchange: Exchange) -> None:
        self.routes.append(exchange.route)


async def test_a_request_goes_through_the_filters_to_the_backend_and_its_answer_back() -> None:
    async with backend() as shop, running_gateway(shop.url, filters=["stamp"], plugins=[Stamp]) as client:
        shop.will_answer(201, json={"id": "pay_1"}, headers={"x-shop": "1"})
        answer = await client.post("/v1/payments?a=b", json={"amount": 1000})

    [seen] = shop.seen
    assert (seen.method, seen.target, seen.json(), seen.headers["x-stamped"]) == (
        "POST",
        "/v1/payments?a=b",
        {"amount": 1000},
        "yes",
    )
    assert (answer.status_code, answer.json(), answer.headers["x-shop"]) == (201, {"id": "pay_1"}, "1")


async def test_a_backend_that_was_told_nothing_answers_an_empty_object() -> None:
    async with backend() as shop, httpx.AsyncClient() as client:
        shop.will_answer(503)
        statuses = [(await client.get(shop.url)).status_code for _ in range(2)]

    assert statuses == [503, 200]


async def test_an_answer_can_be_held_back() -> None:
    go = asyncio.Event()
    async with backend() as shop, running_gateway(shop.url) as client:
        shop.will_answer(202, after=go)
        asking = asyncio.create_task(client.get("/"))
        await shop.asked()
        assert not asking.done()
        go.set()
        assert (await asking).status_code == 202


async def test_a_refusal_does_not_reach_the_backend_and_its_exchange_can_be_looked_into() -> None:
    filters = ["stamp", "refuse"]
    async with backend() as shop, running_gateway(shop.url, filters=filters, plugins=[Stamp, Refuse]) as client:
        answer = await client.get("/")
        ended = await client.ended()

    assert (answer.status_code, shop.seen) == (403, [])
    assert [(step.filter, step.decision) for step in ended.steps] == [("stamp", "passed"), ("refuse", "refused")]
    assert [note.code for note in ended.notes] == ["stamped"]


async def test_built_in_plugins_and_trusted_networks_are_there() -> None:
    filters = [{"principal": {"header": "x-user-id"}}, "named"]
    async with (
        backend() as shop,
        running_gateway(shop.url, filters=filters, plugins=[Named], trusted=["127.0.0.0/8"]) as client,
    ):
        await client.get("/", headers={"x-user-id": "shop-1"})

    assert shop.seen[0].headers["x-named"] == "shop-1"


async def test_a_whole_policy_with_guards_and_observers() -> None:
    async with backend() as shop:
        policy = f"""
            version: 1
            components: {{told: }}
            upstreams:
              shop: {{url: "{shop.url}", guards: [counting]}}
            routes:
              - {{name: payments, match: {{path: /v1/payments}}, upstream: shop}}
        """
        async with running_gateway(policy=policy, plugins=[Counting, Told]) as client:
            taken, other = await client.post("/v1/payments"), await client.post("/v1/other")

    assert (taken.status_code, other.status_code) == (200, 404)
    assert Counting.attempts == [1]
    assert "payments" in Told.routes


async def test_secrets_are_looked_up_in_the_environment_that_was_given() -> None:
    async with (
        backend() as shop,
        running_gateway(shop.url, filters=["secretive"], plugins=[Secretive], environ={"KEY": "s3cret"}) as client,
    ):
        await client.get("/")

    assert shop.seen[0].headers["x-secret"] == "s3cret"


async def test_a_policy_that_is_wrong_does_not_run() -> None:
    with pytest.raises(PolicyError, match="needs Principal"):
        async with running_gateway("http://127.0.0.1:1", filters=["named"], plugins=[Named]):
            pass


async def test_a_class_that_no_plugin_could_have_is_refused() -> None:
    class Nameless(Filter[Config]):
        pass

    with pytest.raises(PluginError, match="needs a name"):
        async with running_gateway("http://127.0.0.1:1", plugins=[Nameless]):
            pass


async def test_a_plugin_is_imported_from_its_path(tmp_path) -> None:
    text = "from gateway import Config, Filter, hookimpl\nclass Hi(Filter[Config]): name = 'hi'\n"
    (tmp_path / "hi.py").write_text(text + "@hookimpl\ndef register_filters(): return [Hi]")

    assert plugin_module(tmp_path / "hi.py").Hi.name == "hi"
    async with backend() as shop, running_gateway(shop.url, filters=["hi"], plugin_dirs=[tmp_path]) as client:
        assert (await client.get("/")).status_code == 200


async def test_a_component_of_the_gateway_is_within_reach() -> None:
    class Rates(Component[Config]):
        name = "rates"

    policy = """\
        version: 1
        components: {rates: }
        upstreams: {b: {url: "http://127.0.0.1:9"}}
        routes: [{name: all, match: {}, upstream: b}]
        """
    async with running_gateway(policy=dedent(policy), plugins=[Rates]) as client:
        assert isinstance(client.component(Rates), Rates)
