from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

import pytest

from gateway import Rejected
from gateway.control.compiler import Compiler
from gateway.control.plugin_sources import import_all
from gateway.control.plugins import assemble
from gateway.control.scope import Services
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.salts import Salts
from gateway.database.sqlite import SqliteDatabase
from gateway.ledger.records import Query, State
from gateway.ledger.sql import SqlLedger
from gateway.store.memory import MemoryStore
from gateway.testing import HandScope, backend, running_gateway, streaming
from plugins.circuit_breaker.decision import CircuitOpen
from plugins.circuit_breaker.guard import CircuitBreaker
from tests.gateway.dataplane.harness import answering, raw_upstream, reads_and_closes
from tests.gateway.dataplane.test_pool import unused_port
from tests.gateway.dataplane.test_upstream import Turnstile, ask, attempts, closed, text, upstream_to
from tests.plugins.circuit_breaker.conftest import asking, attempted, call, refused

FAILED = b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"


async def test_each_operation_has_its_own_and_what_has_none_shares_one(breaker) -> None:
    guard = await breaker()
    call(guard, 500, 2, "payment.create")
    assert [refused(guard, each) for each in ("payment.create", "refund.create", None)] == [True, False, False]
    call(guard, 500, 2, None)
    assert [refused(guard, each) for each in ("refund.create", None)] == [False, True]


async def test_or_the_upstream_has_one_for_all(breaker) -> None:
    guard = await breaker(per="upstream")
    call(guard, 500, 1, "payment.create")
    call(guard, 500, 1, None)
    assert [refused(guard, each) for each in ("payment.create", "refund.create", None)] == [True] * 3


async def test_its_changes_are_events_that_say_where(breaker) -> None:
    lent = HandScope(place="backend")
    guard = await breaker(lent)
    call(guard, 500, 2)
    lent.clock.advance(30)
    call(guard, 200)
    where = {"upstream": "backend", "operation": "payment.create"}
    why = {"reason": "failure_rate", "calls": 2, "failed": 2, "slow": 0, "open_for": 30.0}
    assert lent.events == [
        ("circuit_opened", "critical", {**where, **why}),
        ("circuit_half_open", "info", where),
        ("circuit_closed", "info", where),
    ]


async def test_an_answer_to_a_body_that_streams_is_not_called_slow(breaker) -> None:
    guard = await breaker(slow_call="1s")
    for body in (streaming(b"x"), b"x"):
        for _ in range(2):
            made = asking(body=body)
            guard.settle(made, attempted(200, took=5.0), guard.admit(made))
        assert refused(guard) is isinstance(body, bytes)


async def test_what_it_knows_survives_a_reload_that_leaves_its_options(breaker) -> None:
    lent = HandScope(place="backend")
    first = await breaker(lent)
    call(first, 500, 2)
    again, other = await breaker(lent), await breaker(lent, open_for="1s")
    await first.close()
    assert [refused(again), refused(other)] == [True, False]


async def test_its_library_is_imported_by_those_alone_who_open_it() -> None:
    code = "import sys, plugins.circuit_breaker as it; it.register_guards(); sys.exit('pybreaker' in sys.modules)"
    done = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await done.wait() == 0


# on an upstream: what it admitted comes back, whatever becomes of it


async def half_open(guard: CircuitBreaker, lent: HandScope) -> None:
    call(guard, 500, 2, None)
    lent.clock.advance(30)


async def test_a_probe_that_another_guard_refuses_is_given_back(breaker) -> None:
    lent = HandScope()
    await half_open(guard := await breaker(lent), lent)
    refusing = Turnstile(refusing=1, error=Rejected("Enough"))
    upstream = upstream_to(1, guards=[(guard, "enforce"), (refusing, "enforce")])
    for _ in range(3):
        with pytest.raises(Rejected):
            await upstream.dispatch(ask("POST"))
    assert not refused(guard, None)


async def test_a_probe_whose_client_leaves_while_another_guard_decides_is_given_back(breaker) -> None:
    lent = HandScope()
    await half_open(guard := await breaker(lent), lent)
    deciding = asyncio.Event()

    class Slow(Turnstile):
        async def _later(self):
            deciding.set()
            await asyncio.Event().wait()

    upstream = upstream_to(1, guards=[(guard, "enforce"), (Slow(awaited=True), "enforce")])
    dispatching = asyncio.create_task(upstream.dispatch(ask("POST")))
    await deciding.wait()
    assert refused(guard, None)
    dispatching.cancel()
    with suppress(asyncio.CancelledError):
        await dispatching
    assert not refused(guard, None)


async def test_a_probe_whose_client_leaves_is_given_back_and_tells_nothing(breaker) -> None:
    lent = HandScope()
    await half_open(guard := await breaker(lent), lent)
    async with raw_upstream(answering(asyncio.Event())) as raw:
        upstream = upstream_to(raw.port, guards=[(guard, "enforce")])
        dispatching = asyncio.create_task(upstream.dispatch(ask("GET")))
        await raw.connected()
        assert refused(guard, None)
        dispatching.cancel()
        with suppress(asyncio.CancelledError):
            await dispatching
        assert not refused(guard, None)
        assert [code for code, _, _ in lent.events] == ["circuit_opened", "circuit_half_open"]
        await closed(upstream)


async def test_a_probe_whose_answer_nobody_reads_to_its_end_is_given_back(breaker) -> None:
    lent = HandScope()
    await half_open(guard := await breaker(lent), lent)
    begun = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n"
    async with raw_upstream(answering(begun, asyncio.Event())) as raw:
        upstream = upstream_to(raw.port, guards=[(guard, "enforce")])
        await upstream.dispatch(streamed := ask("GET"))
        assert refused(guard, None)
        streamed.abandon()
        assert not refused(guard, None)
        await closed(upstream)


async def test_a_probe_that_is_answered_closes_it(breaker) -> None:
    lent = HandScope()
    await half_open(guard := await breaker(lent), lent)
    async with raw_upstream() as raw:
        upstream = upstream_to(raw.port, guards=[(guard, "enforce")])
        assert await text(await upstream.dispatch(ask("POST"))) == b"ok"
        await closed(upstream)
    assert lent.events[-1][0] == "circuit_closed"


@pytest.mark.parametrize("talk", [FAILED, reads_and_closes])
async def test_answers_that_fail_and_answers_that_do_not_come_open_it(breaker, talk) -> None:
    guard = await breaker(minimum_calls=3)
    async with raw_upstream(talk, talk, talk) as raw:
        upstream = upstream_to(raw.port, guards=[(guard, "enforce")])
        for _ in range(3):
            assert not refused(guard, None)
            with suppress(Exception):
                await text(await upstream.dispatch(ask("POST")))
            await upstream.pool.close()
        with pytest.raises(CircuitOpen):
            await upstream.dispatch(left := ask("POST"))
        assert (len(raw.requests), attempts(left)) == (3, [])
        await closed(upstream)


async def test_an_upstream_that_cannot_be_reached_opens_it_and_no_attempt_is_made_then(breaker) -> None:
    guard = await breaker(minimum_calls=3)
    upstream = upstream_to(unused_port(), attempts=5, guards=[(guard, "enforce")])
    with pytest.raises(CircuitOpen):
        await upstream.dispatch(paying := ask("POST"))
    assert [error for _, _, error in attempts(paying)] == ["upstream_unreachable"] * 3


# in a gateway

POLICY = """
version: 1
upstreams:
  backend:
    url: {url}
    guards:
      - circuit_breaker: {{minimum_calls: 2, mode: {mode}}}
routes:
  - {{name: {route}, match: {{path: "/{{rest:path}}"}}, upstream: backend}}
"""


def policy(url: str, mode: str = "enforce", route: str = "all") -> str:
    return POLICY.format(url=url, mode=mode, route=route)


async def test_a_gateway_leaves_an_upstream_alone_that_fails() -> None:
    async with backend() as shop, running_gateway(policy=policy(shop.url)) as client:
        for _ in range(2):
            shop.will_answer(500)
            assert (await client.post("/v1/payments")).status_code == 500
        answer = await client.post("/v1/payments")
        ended = [await client.ended() for _ in range(3)][-1]

    assert (answer.status_code, answer.json()["code"], len(shop.seen)) == (503, "circuit_open", 2)
    assert answer.headers["retry-after"] == "30"
    assert [(step.filter, step.decision, step.code) for step in ended.steps] == [
        ("circuit_breaker", "refused", "circuit_open")
    ]


async def test_in_shadow_it_only_says_so() -> None:
    async with backend() as shop, running_gateway(policy=policy(shop.url, "shadow")) as client:
        for _ in range(2):
            shop.will_answer(500)
            await client.post("/v1/payments")
        answer = await client.post("/v1/payments")
        ended = [await client.ended() for _ in range(3)][-1]

    assert (answer.status_code, len(shop.seen)) == (200, 3)
    assert [(step.filter, step.mode, step.decision, step.code) for step in ended.steps] == [
        ("circuit_breaker", "shadow", "would_refuse", "circuit_open")
    ]


async def test_switched_off_it_is_not_there() -> None:
    async with backend() as shop, running_gateway(policy=policy(shop.url, "off")) as client:
        for _ in range(3):
            shop.will_answer(500)
            assert (await client.post("/v1/payments")).status_code == 500
        assert (await client.ended()).steps == []


async def test_a_reload_that_changes_other_things_finds_it_open() -> None:
    services = Services(store=MemoryStore(), salts=Salts.parse("00" * 16), environ={})
    compiler = Compiler(assemble(import_all(("circuit_breaker",), ())).registry, services)
    before = compiler.compile(policy("http://127.0.0.1:1"), "policy.yaml")
    await before.open()
    [[(guard, _)]] = [each.guards for each in before.upstreams]
    call(guard, 500, 2, None)
    after = compiler.compile(policy("http://127.0.0.1:1", route="renamed"), "policy.yaml")
    await after.open()
    await before.close()
    [[(again, _)]] = [each.guards for each in after.upstreams]
    assert (again is not guard, refused(again, None)) == (True, True)
    await after.close()
    await services.close()


PAYING = """
version: 1
upstreams:
  backend: {{url: "{url}", guards: [circuit_breaker: {{minimum_calls: 2}}]}}
routes:
  - name: pay
    match: {{path: /v1/payments}}
    upstream: backend
    payment: {{operation: payment.create, amount: /amount, currency: /currency}}
    when_unreachable: {unreachable}
    filters: [{{principal: {{header: x-user-id, from: any}}}}, idempotency]
"""


@pytest.mark.parametrize(
    ("unreachable", "status", "code", "state"),
    [
        ("refuse", 503, "circuit_open", State.RELEASED),
        ("{accept: {most: 10, for: 10m, ceiling: {eur: 100000}}}", 202, None, State.ACCEPTED),
    ],
)
async def test_an_open_circuit_is_an_upstream_that_cannot_be_reached(
    sqlite_path, unreachable, status, code, state
) -> None:
    database = SqliteDatabase(sqlite_path)
    await database.open()
    ledger, keyring = SqlLedger(database), LocalKeyring.parse("00" * 32)
    async with backend() as shop:
        text = PAYING.format(url=shop.url, unreachable=unreachable)
        async with running_gateway(policy=text, ledger=ledger, keyring=keyring) as client:
            for number in range(3):
                shop.will_answer(500)
                answer = await client.post(
                    "/v1/payments",
                    json={"amount": 1999, "currency": "eur"},
                    headers={"x-user-id": "ada", "idempotency-key": f"key-{number}"},
                )
    found = await ledger.list(Query())
    await database.close()
    assert (answer.status_code, answer.json().get("code"), len(shop.seen)) == (status, code, 2)
    assert sorted(each.state for each in found) == sorted([State.IN_DOUBT, State.IN_DOUBT, state])
