"""Warming: asked for before anybody does, for whom the policy says, at its rate, and told as it goes."""

from __future__ import annotations

import asyncio

import pytest

from gateway import Response
from gateway.testing import running_gateway, scope
from plugins.cache.options import CacheConfig, WarmConfig
from plugins.cache.warming import Warming
from tests.plugins.cache.replicas import cache_of, read

POLICY = """
version: 1
upstreams: {{backend: {{url: "{url}"}}}}
routes:
  - name: invoices
    match: {{methods: [GET], path: "/v1/invoices/{{id}}"}}
    upstream: backend
    filters:
      - principal: {{header: x-user-id, from: any}}
      - cache:
          ttl: 60s
          warm:
            - path: "/v1/invoices/{{id}}?full={{full}}"
              host: shop.example
              values: {{id: "file:{file}", full: [yes]}}
              principals: [ada, bob]
              headers: {{x-user-id: "{{principal}}"}}
              every: 30s
              rate: 1000
"""


def warming(answers=lambda _: Response(200), **changes) -> Warming:
    given = {"path": "/v1/prices/{plan}", "host": "shop.example", "values": {"plan": ["a", "b/c"]}, "rate": 1000.0}
    return Warming("prices", WarmConfig.model_validate(given | changes), scope(answers=answers))


async def test_what_is_warmed_is_a_hit_for_whom_it_was_warmed_and_for_nobody_else(upstream, tmp_path) -> None:
    (tmp_path / "ids").write_text("in_1\n\nin_2\n")
    async with running_gateway(policy=POLICY.format(url=upstream.url, file=tmp_path / "ids")) as client:
        [job] = cache_of(client).jobs()
        await job.run()
        assert [seen.headers["x-user-id"] for seen in upstream.seen] == ["ada", "bob"] * 2
        for who, path in (("ada", "in_1"), ("ada", "in_2"), ("bob", "in_1"), ("bob", "in_2")):
            found = await read(client, who, f"/v1/invoices/{path}?full=yes")
            assert found.headers["cache-status"].startswith("Payguard; hit")
        await read(client, "eve", "/v1/invoices/in_1?full=yes")
        assert len(upstream.seen) == 5
        [told] = [each.progress for each in cache_of(client).all_warmings]
        assert (told["total"], told["done"], told["failed"], told["running"], told["runs"]) == (4, 4, 0, False, 1)
        assert await cache_of(client).checks()[0].run() == "invoices: 4 of 4"
        await job.run()
        assert len(upstream.seen) == 5, "it is not due yet"


async def test_progress_is_told_while_it_runs_and_a_failure_stops_nothing() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()
    made = warming(lambda request: Response(503 if request.path.endswith("/a") else 200))
    fetch = made._scope.fetch

    async def slowly(request, **how):
        asked.set()
        await go_on.wait()
        return await fetch(request, **how)

    made._scope.fetch = slowly
    running = asyncio.create_task(made.run())
    await asked.wait()
    assert (made.progress["running"], made.progress["total"], made.progress["done"]) == (True, 2, 0)
    go_on.set()
    await running
    assert (made.done, made.failed, made.error, made.due) == (1, 1, "it was answered 503", False)
    made._scope.clock.advance(600)
    assert made.due


async def test_values_cannot_lead_elsewhere_and_what_is_too_much_is_left_out() -> None:
    made = warming(most=1, values={"plan": ["../admin", "b"]})
    await made.run()
    assert [(request.path, dict(request.headers)) for request, _ in made._scope.fetched] == [
        ("/v1/prices/..%2Fadmin", {"cache-control": "min-fresh=600", "host": "shop.example"})
    ]


async def test_a_list_that_cannot_be_read_is_told_and_stops_nothing(tmp_path) -> None:
    made = warming(values={"plan": f"file:{tmp_path}/none"})
    await made.run()
    assert (made.progress["total"], made.progress["runs"]) == (0, 1)
    assert "No such file" in made.progress["error"]
    (tmp_path / "none").write_text("a\n")
    await made.run()
    assert (made.done, made.error) == (1, None)


async def test_the_next_is_not_asked_for_before_its_time() -> None:
    made = warming(rate=0.001)
    running = asyncio.create_task(made.run())
    while made.done == 0:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0)
    for _ in range(100):  # turns of the loop, in which a second one could have gone
        await asyncio.sleep(0)
    assert len(made._scope.fetched) == 1
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"path": "/{a}", "host": "h"}, "values fill the blanks of the path, which are a"),
        ({"path": "/", "host": "h", "values": {"a": ["1"]}}, "which are none"),
    ],
)
def test_blanks_and_values_go_together(given, why) -> None:
    with pytest.raises(ValueError, match=why):
        WarmConfig.model_validate(given)


def test_whose_entries_are_warmed_is_said_where_they_are_kept_apart_and_only_there() -> None:
    warm = {"path": "/a", "host": "h", "rate": 20}
    with pytest.raises(ValueError, match="needs principals"):
        CacheConfig.model_validate({"warm": [warm]})
    with pytest.raises(ValueError, match="has no principals"):
        CacheConfig.model_validate({"partition": "none", "warm": [warm | {"principals": ["a"]}]})
    assert CacheConfig.model_validate({"warm": [warm | {"principals": ["a"]}]}).warm[0].rate == 20
