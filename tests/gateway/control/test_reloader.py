"""A policy is replaced under load, or stays as it is: over sockets, with exchanges in flight."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pluggy
import pytest

from gateway import Config, Filter, Response, hookimpl, hookspecs
from gateway.audit.protocol import Unkept
from gateway.control.reloader import MOST_SAID, Outcome, Reloader, change_of, open_soon
from gateway.dataplane.app import DataPlane
from gateway.dataplane.chain import Chain
from gateway.dataplane.router import Match
from gateway.dataplane.snapshot import Active, Route, Snapshot
from gateway.testing import HandClock, scope, serve


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0)


class Book(Unkept):
    """What has an entry."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, Any]]] = []

    def add(self, action: str, /, **entry: Any) -> Any:
        self.entries.append((action, entry))
        return super().add(action, **entry)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Tracked(Filter):
    name = "tracked"

    def __init__(self) -> None:
        super().__init__(Config(), scope())
        self.opened = self.closed = False

    async def open(self) -> None:
        self.opened = True

    async def close(self) -> None:
        self.closed = True


class Policies:
    """Compiles a text to a snapshot that answers with it, once its gate is open; ``bad`` texts do not compile."""

    def __init__(self) -> None:
        self.text = "old"
        self.name = "policy.yaml"
        self.parts: dict[str, Tracked] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.built: list[str] = []
        self.building = asyncio.Event()
        self.building.set()

    async def read(self) -> str:
        if self.text == "away":
            raise FileNotFoundError("policy.yaml is not there")
        return self.text

    async def build(self, text: str, source: str) -> Snapshot:
        assert source == self.name
        await self.building.wait()
        if text.startswith("bad"):
            raise PolicyError(["routes[0]: broken", "routes[1]: broken too"])
        self.built.append(text)
        return self.snapshot(text)

    def snapshot(self, text: str) -> Snapshot:
        part = self.parts.setdefault(text, Tracked())
        gate = self.gates.setdefault(text, asyncio.Event())

        async def dispatch(_) -> Response:
            await gate.wait()
            return Response(200, body=text.encode())

        chain = Chain([(part, "enforce")], SimpleNamespace(dispatch=dispatch))
        route = Route("all", Match(None, "/{rest:path}", None, None, {}), chain)
        return Snapshot(digest_of(text), [route], [part])


class PolicyError(Exception):
    def __init__(self, problems: list[str]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


class Witness:
    """A plugin that writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[str] = []

    @hookimpl
    def policy_activated(self, digest: str, previous: str | None) -> None:
        self.events.append(f"activated {digest[:6]} after {(previous or '')[:6]}")

    @hookimpl
    def policy_rejected(self, error: Exception) -> None:
        self.events.append(f"rejected: {error}")


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def plugins(witness) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(witness)
    return manager


@pytest.fixture
def policies() -> Policies:
    return Policies()


@pytest.fixture
async def active(policies) -> Active:
    active = Active(policies.snapshot("old"))
    await active.snapshot.open()
    return active


@pytest.fixture
async def reloader(active, policies, plugins):
    made = Reloader(active, policies.build, policies, hooks=plugins.hook, clock=HandClock(), digest_of=digest_of)
    yield made
    await made.close()


async def test_an_exchange_ends_on_the_policy_it_began_on(reloader, active, policies) -> None:
    policies.text = "new"
    async with serve(DataPlane(active)) as url, httpx.AsyncClient(base_url=url) as client:
        old = active.snapshot
        in_flight = asyncio.create_task(client.get("/"))
        await until(lambda: old.in_flight)

        assert await reloader.reload() is Outcome.ACTIVATED  # it does not wait for the exchange in flight
        policies.gates["new"].set()
        assert (await client.get("/")).text == "new"
        assert not policies.parts["old"].closed
        assert reloader.retiring == 1

        policies.gates["old"].set()
        assert (await in_flight).text == "old"
        await until(lambda: not reloader.retiring)
        assert policies.parts["old"].closed


async def test_a_long_request_on_the_old_policy_does_not_delay_the_next_reload(reloader, active, policies) -> None:
    active.snapshot.enter()
    for text in ("second", "third"):
        policies.text = text
        assert await reloader.reload() is Outcome.ACTIVATED
    assert active.snapshot.digest == digest_of("third")
    assert policies.parts["second"].closed
    assert not policies.parts["old"].closed


async def test_the_same_text_changes_nothing(reloader, active, policies) -> None:
    before = active.snapshot
    assert await reloader.reload() is Outcome.UNCHANGED
    assert active.snapshot is before
    assert policies.built == []


async def test_the_same_text_is_built_anew_where_someone_insists(reloader, active, policies, witness) -> None:
    before = active.snapshot
    assert await reloader.reload(force=True) is Outcome.ACTIVATED
    assert active.snapshot is not before
    assert len(witness.events) == 1


async def test_a_policy_that_does_not_compile_leaves_the_one_in_force(reloader, active, policies, witness) -> None:
    policies.text = "bad"
    assert await reloader.reload() is Outcome.REJECTED
    assert active.snapshot.digest == reloader.status.digest == digest_of("old")
    assert reloader.status.rejection.reasons == ("routes[0]: broken", "routes[1]: broken too")
    assert not reloader.status.rejection.transient
    assert witness.events == ["rejected: 2 problems"]


async def test_a_policy_whose_part_cannot_open_is_closed_again(reloader, active, policies) -> None:
    class Unable(Tracked):
        async def open(self) -> None:
            raise ConnectionRefusedError("the\n  vault")

    policies.text, policies.parts["new"] = "new", Unable()
    assert await reloader.reload() is Outcome.REJECTED
    assert active.snapshot.digest == digest_of("old")
    assert reloader.status.rejection.reasons == ("tracked did not open: ConnectionRefusedError: the vault",)
    assert reloader.status.rejection.transient
    assert policies.parts["new"].closed
    assert not policies.parts["old"].closed


async def test_a_part_that_hangs_while_it_opens_is_given_up(policies) -> None:
    class Hanging(Tracked):
        async def open(self) -> None:
            await asyncio.Event().wait()

    policies.parts["new"] = Hanging()
    with pytest.raises(TimeoutError, match=r"did not open within 0\.01 s"):
        await open_soon(policies.snapshot("new"), within=0.01)
    assert policies.parts["new"].closed


async def test_taking_a_bad_edit_back_ends_the_rejection(reloader, policies) -> None:
    policies.text = "bad"
    await reloader.reload()
    policies.text = "old"
    assert await reloader.reload() is Outcome.UNCHANGED
    assert reloader.status.rejection is None


async def test_a_file_that_is_away_is_no_rejection(reloader, policies, witness) -> None:
    policies.text = "away"
    assert await reloader.reload() is Outcome.UNREADABLE
    assert reloader.status.unreadable == "policy.yaml is not there"
    assert reloader.status.rejection is None
    assert witness.events == []
    policies.text = "new"
    await reloader.reload()
    assert reloader.status.unreadable is None


async def test_reloads_asked_for_during_one_are_one_more(reloader, policies) -> None:
    policies.building.clear()
    policies.text = "second"
    first = asyncio.create_task(reloader.reload())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    meanwhile = [asyncio.create_task(reloader.reload()) for _ in range(5)]
    await asyncio.sleep(0)
    policies.text = "third"
    policies.building.set()
    assert await first is Outcome.ACTIVATED
    assert {await each for each in meanwhile} == {Outcome.ACTIVATED}
    assert policies.built == ["second", "third"]


async def test_whoever_stops_waiting_for_a_reload_does_not_end_it(reloader, active, policies) -> None:
    policies.building.clear()
    policies.text = "new"
    impatient, patient = asyncio.create_task(reloader.reload()), asyncio.create_task(reloader.reload())
    await asyncio.sleep(0)
    impatient.cancel()
    policies.building.set()
    assert await patient is Outcome.ACTIVATED
    assert active.snapshot.digest == digest_of("new")


async def test_a_hook_that_raises_neither_breaks_the_reload_nor_silences_the_others(
    reloader, plugins, policies, witness
) -> None:
    class Broken:
        @hookimpl(tryfirst=True)
        def policy_activated(self) -> None:
            raise RuntimeError("broken")

        @hookimpl(tryfirst=True)
        def policy_rejected(self) -> None:
            raise RuntimeError("broken")

    plugins.register(Broken())
    policies.text = "new"
    assert await reloader.reload() is Outcome.ACTIVATED
    policies.text = "bad"
    assert await reloader.reload() is Outcome.REJECTED
    assert [event.split()[0] for event in witness.events] == ["activated", "rejected:"]


async def test_reasons_are_masked(active, policies, plugins) -> None:
    reloader = Reloader(
        active,
        policies.build,
        policies,
        hooks=plugins.hook,
        clock=HandClock(),
        digest_of=digest_of,
        mask=lambda text: text.replace("broken", "[masked]"),
    )
    policies.text = "bad"
    await reloader.reload()
    assert reloader.status.rejection.reasons[0] == "routes[0]: [masked]"


async def test_outcomes_are_counted(reloader, policies) -> None:
    for text in ("old", "new", "bad", "away"):
        policies.text = text
        await reloader.reload()
    assert reloader.status.reloads == {"activated": 1, "unchanged": 1, "rejected": 1, "unreadable": 1}


async def test_closing_closes_policies_that_still_retire(reloader, active, policies) -> None:
    active.snapshot.enter()
    policies.text = "new"
    await reloader.reload()
    await reloader.close()
    assert policies.parts["old"].closed
    assert not policies.parts["new"].closed


async def test_hundreds_of_reloads_leave_no_task_and_no_policy_behind(reloader, active, policies) -> None:
    tasks = len(asyncio.all_tasks())
    gone = weakref.WeakSet([active.snapshot])
    for number in range(200):
        policies.text = f"edit {number}"
        assert await reloader.reload() is Outcome.ACTIVATED
        gone.add(active.snapshot)
    await until(lambda: not reloader.retiring)
    gc.collect()
    assert len(asyncio.all_tasks()) <= tasks + 1  # the last reload's own, which ends with this turn of the loop
    assert set(gone) == {active.snapshot}
    assert sum(part.closed for part in policies.parts.values()) == 200


async def test_a_policy_that_takes_over_and_one_that_does_not_have_an_entry(active, policies, plugins) -> None:
    book = Book()
    made = Reloader(
        active, policies.build, policies, hooks=plugins.hook, clock=HandClock(), digest_of=digest_of, audit=book
    )
    await made.begin()
    policies.text = "new"
    await made.reload()
    policies.text = "bad"
    await made.reload()
    await made.close()

    [first, second, third] = book.entries
    old, new = digest_of("old"), digest_of("new")
    assert first == ("policy.activate", {"subject": old, "policy": old, "detail": {"source": "policy.yaml"}})
    detail = {"source": "policy.yaml", "previous": old, "changes": 0, "diff": ""}
    assert second == ("policy.activate", {"subject": new, "policy": new, "detail": detail})
    assert (third[0], third[1]["subject"], third[1]["outcome"]) == ("policy.reject", "policy.yaml", "rejected")
    assert third[1]["detail"]["reasons"]


def test_what_changed_is_said_as_far_as_there_is_room() -> None:
    before = Snapshot("one", [], description={"tenant": "shop", "gone": 1})
    now = Snapshot("two", [], description={"tenant": "store", "long": "x" * MOST_SAID})
    said = change_of(before, now, "policy.yaml")

    assert (said["previous"], said["changes"]) == ("one", 3)
    assert str(said["diff"]).startswith("tenant: shop -> store\nlong: added")
    assert len(str(said["diff"])) == MOST_SAID
