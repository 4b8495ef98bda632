from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import pytest

from gateway import Rejected
from gateway.control.compiler import Compiler
from gateway.control.plugin_sources import import_all
from gateway.control.plugins import assemble
from gateway.control.scope import Services
from gateway.crypto.salts import Salts
from gateway.store.memory import MemoryStore
from gateway.testing import HandScope, backend, exchange, running_gateway, streaming
from plugins.concurrency.decision import SAMPLES, Overloaded
from plugins.concurrency.guard import QUIET, Concurrency
from tests.gateway.dataplane.test_upstream import Turnstile, ask, upstream_to
from tests.plugins.concurrency.conftest import attempted
from tests.plugins.concurrency.slow_backend import slow_backend


def asking(route: str = "all", **options):
    made = exchange(**options)
    made.route = route
    return made


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def settle(guard: Concurrency, *took: float, **options) -> None:
    for each in took:
        guard.settle(asking(**options), attempted(each), None)


async def test_a_place_that_is_free_costs_no_waiting(limit) -> None:
    guard = await limit(most=1)
    assert guard.admit(asking()) is None
    later = guard.admit(asking())
    assert inspect.isawaitable(later)
    waiting = asyncio.ensure_future(later)
    await turn()
    guard.settle(asking(), None, None)
    assert await waiting is None


async def test_routes_go_first_as_the_policy_says_and_others_in_the_middle(limit) -> None:
    guard = await limit(most=1, priorities={"create-payment": 10, "reports": 1})
    guard.admit(asking())
    order = []

    async def go(route: str) -> None:
        await guard.admit(asking(route))
        order.append(route)

    tasks = []
    for route in ("reports", "invoices", "create-payment"):
        tasks.append(asyncio.create_task(go(route)))
        await turn()
    for _ in tasks:
        guard.settle(asking(), None, None)
        await turn()
    assert order == ["create-payment", "invoices", "reports"]


async def test_under_pressure_the_lowest_is_refused_first(limit) -> None:
    guard = await limit(most=1, waiting=1, priorities={"reports": 1})
    guard.admit(asking())
    report = asyncio.ensure_future(guard.admit(asking("reports")))
    await turn()
    payment = asyncio.ensure_future(guard.admit(asking("create-payment")))
    with pytest.raises(Overloaded):
        await report
    guard.settle(asking(), None, None)
    await payment


async def test_whoever_waits_no_longer_than_its_exchange_has_left_is_refused(limit) -> None:
    lent = HandScope()
    guard = await limit(lent, most=1, wait="1h")
    guard.admit(asking())
    made = asking()
    made.deadline = lent.clock.monotonic() + 0.001
    with pytest.raises(Overloaded):
        await guard.admit(made)


async def test_a_refusal_says_how_long_the_queue_takes(limit) -> None:
    guard = await limit(most=2, waiting=10, latency="2s", wait="1ms")
    guard.admit(asking())
    guard.admit(asking())
    with pytest.raises(Overloaded) as refused:
        await guard.admit(asking())
    assert (refused.value.status, refused.value.headers) == (503, {"retry-after": "1"})
    guard.load.limit.slowness = 2.0
    with pytest.raises(Overloaded) as refused:
        await guard.admit(asking())
    assert refused.value.headers == {"retry-after": "2"}


async def test_an_overload_is_an_event_not_one_for_each_refusal(limit) -> None:
    lent = HandScope(place="backend")
    guard = await limit(lent, most=1, waiting=0)
    guard.admit(asking())
    for seconds in (0, 0, QUIET):
        lent.clock.advance(seconds)
        with pytest.raises(Overloaded):
            await guard.admit(asking())
    common = {"upstream": "backend", "limit": 1, "waiting": 0}
    assert lent.events == [("overloaded", "warning", {**common, "refused": number}) for number in (1, 3)]


async def test_answers_that_take_too_long_make_fewer_places(limit) -> None:
    guard = await limit(most=SAMPLES, latency="1s")
    for _ in range(SAMPLES):
        guard.admit(asking())
    settle(guard, *[2.0] * SAMPLES)
    assert (guard.load.gate.places, guard.load.gate.inside) == (SAMPLES // 2, 0)


async def test_a_route_that_usually_takes_longer_has_its_own_measure(limit) -> None:
    guard = await limit(most=SAMPLES, latency="1s", latencies={"reports": "10s"})
    for _ in range(SAMPLES):
        guard.admit(asking())
    settle(guard, *[2.0] * SAMPLES, route="reports")
    assert guard.load.gate.places == SAMPLES


@pytest.mark.parametrize("body", [b"x", streaming(b"x")])
async def test_what_streams_in_tells_nothing_of_the_upstreams_pace_but_leaves(limit, body) -> None:
    guard = await limit(most=SAMPLES)
    for _ in range(SAMPLES):
        guard.admit(asking())
    settle(guard, *[3.0] * SAMPLES, body=body)
    assert guard.load.gate.inside == 0
    assert guard.load.gate.places == (5 if isinstance(body, bytes) else SAMPLES)


async def test_the_limit_survives_a_reload_that_leaves_its_options(limit) -> None:
    lent = HandScope()
    first = await limit(lent, most=1)
    first.admit(asking())
    again, other = await limit(lent, most=1), await limit(lent, most=2)
    await first.close()
    later = again.admit(asking())
    assert inspect.iscoroutine(later)
    later.close()
    assert other.admit(asking()) is None
    first.settle(asking(), None, None)
    assert again.admit(asking()) is None


# on an upstream: a place comes back whatever becomes of it


async def test_a_place_that_another_guard_has_no_use_for_comes_back(limit) -> None:
    guard = await limit(most=1)
    refusing = Turnstile(refusing=1, error=Rejected("Enough"))
    upstream = upstream_to(1, guards=[(guard, "enforce"), (refusing, "enforce")])
    for _ in range(3):
        with pytest.raises(Rejected):
            await upstream.dispatch(ask("POST"))
    assert guard.load.gate.inside == 0


async def test_a_client_that_leaves_while_it_waits_keeps_no_place(limit) -> None:
    guard = await limit(most=1, wait="1h")
    guard.admit(asking())
    breaker = Turnstile()
    upstream = upstream_to(1, guards=[(breaker, "enforce"), (guard, "enforce")])
    dispatching = asyncio.create_task(upstream.dispatch(left := ask("POST")))
    await turn()
    assert guard.load.gate.waiting == 1
    dispatching.cancel()
    with suppress(asyncio.CancelledError):
        await dispatching
    assert (guard.load.gate.waiting, guard.load.gate.inside, left.attempts) == (0, 1, [])
    assert breaker.settled == [(1, None)]


# in a gateway

POLICY = """
version: 1
upstreams:
  backend:
    url: {url}
    timeouts: {{first_byte: 500ms}}
    guards: [{guard}]
routes:
  - {{name: {route}, match: {{path: "/{{rest:path}}"}}, upstream: backend}}
"""
ONE = "concurrency: {{least: 1, most: 1, waiting: 0, mode: {mode}}}"


def policy(url: str, guard: str, route: str = "all") -> str:
    return POLICY.format(url=url, guard=f"{{{guard}}}" if guard else "", route=route)


async def test_a_gateway_refuses_what_is_over_and_sends_nothing_of_it() -> None:
    held = asyncio.Event()
    async with (
        backend() as shop,
        running_gateway(policy=policy(shop.url, ONE.format(mode="enforce"))) as client,
        asyncio.TaskGroup() as group,
    ):
        shop.will_answer(after=held)
        first = group.create_task(client.post("/v1/payments"))
        await shop.asked()
        answer = await client.post("/v1/payments")
        held.set()
        assert (await first).status_code == 200
        assert (await client.post("/v1/payments")).status_code == 200
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "overloaded", "1")
    assert len(shop.seen) == 2


async def test_in_shadow_it_holds_nobody_back_and_says_what_it_would_have_done() -> None:
    held = asyncio.Event()
    shadowed = "concurrency: {least: 1, most: 1, waiting: 1, wait: 1h, mode: shadow}"
    async with (
        backend() as shop,
        running_gateway(policy=policy(shop.url, shadowed)) as client,
        asyncio.TaskGroup() as group,
    ):
        shop.will_answer(after=held)
        first = group.create_task(client.post("/v1/payments"))
        await shop.asked()
        assert (await client.post("/v1/payments")).status_code == 200
        waited = await client.ended()
        shop.will_answer(after=held)
        second = group.create_task(client.post("/v1/payments"))
        await shop.asked()
        await shop.asked()
        assert (await client.post("/v1/payments")).status_code == 200
        refused = await client.ended()
        held.set()
        assert [(await each).status_code for each in (first, second)] == [200, 200]
        others = [await client.ended() for _ in range(2)]
        free = await client.post("/v1/payments")
        last = await client.ended()
    assert [(step.mode, step.decision, step.code) for step in waited.steps] == [("shadow", "would_wait", None)]
    assert [(step.mode, step.decision, step.code) for step in refused.steps] == [
        ("shadow", "would_refuse", "overloaded")
    ]
    assert (free.status_code, last.steps) == (200, [])
    assert sum(len(each.steps) for each in others) <= 1


async def test_switched_off_it_is_not_there() -> None:
    held = asyncio.Event()
    async with (
        backend() as shop,
        running_gateway(policy=policy(shop.url, ONE.format(mode="off"))) as client,
        asyncio.TaskGroup() as group,
    ):
        shop.will_answer(after=held)
        group.create_task(client.post("/v1/payments"))
        await shop.asked()
        assert (await client.post("/v1/payments")).status_code == 200
        held.set()


async def test_a_reload_that_changes_other_things_finds_it_as_full_as_it_was() -> None:
    services = Services(store=MemoryStore(), salts=Salts.parse("00" * 16), environ={})
    compiler = Compiler(assemble(import_all(("concurrency",), ())).registry, services)
    text = policy("http://127.0.0.1:1", ONE.format(mode="enforce"))
    before = compiler.compile(text, "policy.yaml")
    await before.open()
    [[(guard, _)]] = [each.guards for each in before.upstreams]
    assert guard.admit(asking()) is None
    after = compiler.compile(text.replace("name: all", "name: renamed"), "policy.yaml")
    await after.open()
    [[(again, _)]] = [each.guards for each in after.upstreams]
    with pytest.raises(Overloaded):
        await again.admit(asking())
    guard.settle(asking(), None, None)
    await before.close()
    assert again.admit(asking()) is None
    await after.close()
    await services.close()


# under load

WORKERS, EACH, ROOM, CLIENTS = 4, 0.02, 40, 80
"""The backend works at four requests at once; more than forty in it, and it drowns."""


class Crowd:
    """Clients that ask, one request after another, and what they were answered."""

    def __init__(self, port: int) -> None:
        self.answers: Counter[int] = Counter()
        self._port = port

    async def ask(self, clients: int, until: Callable[[Counter[int]], bool]) -> float:
        """The seconds that it took until that was answered."""
        began, self.answers = monotonic(), Counter()
        done = asyncio.Event()
        tasks = [asyncio.create_task(self._ask(until, done)) for _ in range(clients)]
        try:
            async with asyncio.timeout(30):
                await done.wait()
            return monotonic() - began
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _ask(self, until: Callable[[Counter[int]], bool], done: asyncio.Event) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            while not done.is_set():
                writer.write(b"GET /v1/payments HTTP/1.1\r\nhost: shop\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                status = int(head.split(b" ", 2)[1])
                self.answers[status] += 1
                if until(self.answers):
                    done.set()
                if status != 200:
                    await asyncio.sleep(0.05)  # as a client would that is told to come again
        finally:
            writer.close()


def succeeded(times: int) -> Callable[[Counter[int]], bool]:
    return lambda answers: answers[200] >= times


def timed_out(times: int) -> Callable[[Counter[int]], bool]:
    return lambda answers: answers[504] >= times


async def test_beyond_its_capacity_a_backend_is_kept_at_work_and_no_longer_drowns() -> None:
    """What it should do is what it does for as many clients as it has workers.  It finds there, and stays there."""
    guard = "concurrency: {latency: 80ms, least: 4, waiting: 10, wait: 100ms}"
    with slow_backend(WORKERS, EACH, ROOM) as slow:
        async with running_gateway(policy=policy(f"http://127.0.0.1:{slow.port}", guard)) as client:
            crowd = Crowd(client.base_url.port)
            quiet = await crowd.ask(WORKERS, succeeded(100))
            kept = 0
            for _ in range(12):
                slow.drowned = 0
                crowded = await crowd.ask(CLIENTS, succeeded(100))
                kept = kept + 1 if slow.drowned == crowd.answers[504] == 0 and crowded < 2 * quiet else 0
                if kept == 2:
                    break
    assert kept == 2
    assert crowd.answers[503] > 0


async def test_without_it_the_same_crowd_drowns_it() -> None:
    with slow_backend(WORKERS, EACH, ROOM) as slow:
        async with running_gateway(policy=policy(f"http://127.0.0.1:{slow.port}", "")) as client:
            crowd = Crowd(client.base_url.port)
            await crowd.ask(CLIENTS, timed_out(CLIENTS))
    assert slow.drowned >= CLIENTS
    assert crowd.answers[503] == 0
