"""Gateways with one store: what one finds of an upstream, the others go by, each after its next look."""

from __future__ import annotations

import pytest

from gateway import StoreDown
from gateway.store.memory import MemoryStore
from gateway.testing import HandScope
from plugins.circuit_breaker.board import CircuitBreakers
from tests.plugins.circuit_breaker.conftest import call, refused


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def gateway(store, breaker):
    """Makes what one process has, on the common store."""

    async def make(**options):
        return await breaker(HandScope(place="backend", store=store), **{"share": True, "open_for": "30s", **options})

    return make


async def look(*breakers) -> None:
    for each in breakers:
        await each.scope.component(CircuitBreakers).mirror()


async def test_a_circuit_that_opens_here_opens_there(gateway) -> None:
    here, there = await gateway(), await gateway()
    call(there, 200)
    call(here, times=2)
    assert not refused(there)
    await look(here, there)

    assert refused(there)
    [circuit] = there.circuits.by_operation.values()
    assert circuit.reason == "elsewhere"
    assert [code for code, _, _ in there.scope.events] == ["circuit_opened"]


async def test_one_that_closes_here_closes_there(gateway) -> None:
    here, there = await gateway(), await gateway()
    call(there, 200)
    call(here, times=2)
    await look(here, there)
    here.scope.clock.advance(31)
    call(here, 200)
    await look(here, there)

    assert not refused(here)
    assert not refused(there)


async def test_what_was_heard_once_is_not_heard_again(gateway) -> None:
    here, there = await gateway(), await gateway()
    call(there, 200)
    call(here, times=2)
    await look(here, there)
    there.scope.clock.advance(31)
    call(there, 200)
    await look(there)
    await look(there)

    assert not refused(there)


async def test_operations_and_upstreams_are_apart(gateway, store, breaker) -> None:
    here, there = await gateway(), await gateway()
    other = await breaker(HandScope(place="other", store=store), share=True)
    for each in (there, other):
        call(each, 200)
    call(there, 200, operation="refund.create")
    call(here, times=2)
    await look(here, there, other)

    assert refused(there)
    assert not refused(there, "refund.create")
    assert not refused(other)


async def test_one_that_is_not_shared_tells_nobody_and_hears_nobody(gateway) -> None:
    here, there = await gateway(), await gateway(share=False)
    call(there, 200)
    call(here, times=2)
    await look(here, there)

    assert not refused(there)
    assert there.scope.component(CircuitBreakers).jobs() == ()
    assert [job.name for job in here.scope.component(CircuitBreakers).jobs()] == ["mirror"]


async def test_while_the_store_is_away_each_goes_by_what_it_sees_and_tells_later(gateway, store, monkeypatch) -> None:
    here, there = await gateway(), await gateway()
    call(there, 200)
    call(here, times=2)
    with monkeypatch.context() as away:
        away.setattr(store, "_now", _down)
        await look(here, there)
        assert refused(here)
        assert not refused(there)
    await look(here, there)

    assert refused(there)


def _down():
    raise StoreDown("a test says so")
