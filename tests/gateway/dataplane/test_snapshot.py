from __future__ import annotations

import asyncio

import pytest

from gateway.dataplane.pool import Address, Pool, PoolOptions
from gateway.dataplane.retry import Retry
from gateway.dataplane.snapshot import Snapshot
from gateway.dataplane.upstream import Timeouts, Upstream
from gateway.parts import Config, Part
from gateway.testing import scope


def part(trace: list[str], name: str, *, fails_to: str = "") -> Part:
    class Traced(Part):
        name = "traced"

        async def open(self) -> None:
            trace.append(f"open {name}")
            if fails_to == "open":
                raise OSError(name)

        async def close(self) -> None:
            trace.append(f"close {name}")
            if fails_to == "close":
                raise OSError(name)

    return Traced(Config(), scope())


def release(trace: list[str], name: str):
    async def call() -> None:
        trace.append(f"release {name}")

    return call


async def test_parts_are_opened_in_order_closed_in_reverse_and_what_they_shared_is_given_back_last():
    trace: list[str] = []
    snapshot = Snapshot("1", [], [part(trace, "a"), part(trace, "b")], releases=[release(trace, "x")])
    await snapshot.open()
    assert trace == ["open a", "open b"]
    await snapshot.close()
    assert trace == ["open a", "open b", "close b", "close a", "release x"]


async def test_a_part_that_does_not_open_closes_those_that_did_and_itself():
    trace: list[str] = []
    parts = [part(trace, "a"), part(trace, "b", fails_to="open"), part(trace, "c")]
    snapshot = Snapshot("1", [], parts, releases=[release(trace, "x")])
    with pytest.raises(OSError, match="b"):
        await snapshot.open()
    assert trace == ["open a", "open b", "close b", "close a", "release x"]
    await snapshot.close()
    assert len(trace) == 5


async def test_a_part_that_does_not_close_does_not_keep_the_others_open():
    trace: list[str] = []
    parts = [part(trace, "a"), part(trace, "b", fails_to="close")]
    snapshot = Snapshot("1", [], parts, releases=[release(trace, "x")])
    await snapshot.open()
    with pytest.raises(OSError, match="b"):
        await snapshot.close()
    assert trace[-3:] == ["close b", "close a", "release x"]


async def test_it_is_drained_when_the_last_exchange_leaves():
    snapshot = Snapshot("1", [])
    snapshot.enter()
    snapshot.enter()
    draining = asyncio.create_task(snapshot.drained())
    await asyncio.sleep(0)
    snapshot.leave()
    await asyncio.sleep(0)
    assert not draining.done()
    snapshot.leave()
    await draining


async def test_one_that_nobody_uses_is_drained_at_once():
    await Snapshot("1", []).drained()


def test_an_upstream_is_found_by_its_name():
    upstream = Upstream("backend", Pool(Address("http", "a", 80), PoolOptions()), Timeouts(), Retry())
    snapshot = Snapshot("1", [], upstreams=[upstream])
    assert snapshot.declared("backend") is upstream
    assert snapshot.declared("other") is None
