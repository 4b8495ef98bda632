"""The fallback: what the shared store cannot do, the local one does, and it is counted."""

from __future__ import annotations

import pytest

from gateway.store.fallback import Fallback
from gateway.store.link import down
from gateway.store.memory import MemoryStore
from gateway.store.protocol import Procedure


class Away(MemoryStore):
    away = False

    def _now(self):
        if self.away:
            raise down("a test says so")
        return super()._now()


SAYS = Procedure("says", lambda _table, keys, _arguments: keys[0], "return keys[1]")


@pytest.fixture
def shared() -> Away:
    return Away()


@pytest.fixture
def local() -> MemoryStore:
    return MemoryStore()


async def test_while_the_shared_one_is_there_it_alone_is_asked(shared, local) -> None:
    both = Fallback(shared, local)
    await both.put("a", b"1", 60)

    assert await both.get("a") == b"1"
    assert (len(local), both.used) == (0, 0)
    assert both.stats()["entries"] == 1


async def test_while_it_is_away_every_operation_is_done_locally(shared, local) -> None:
    both = Fallback(shared, local)
    shared.away = True

    await both.put("a", b"1", 60)
    assert await both.get("a") == b"1"
    assert not await both.add("a", b"2", 60)
    assert await both.count("n", 2, 60) == 2
    assert await both.run(SAYS, ["k"], []) == "k"
    assert await both.remove("a")
    assert both.used == 6
    assert both.trouble is None


async def test_once_it_is_back_it_is_asked_again(shared, local) -> None:
    both = Fallback(shared, local)
    shared.away = True
    await both.count("n", 1, 60)
    shared.away = False

    assert await both.count("n", 1, 60) == 1
    assert both.used == 1
