"""The core's own parts in a policy: what they are lent, and what a policy may say of them."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import orjson
import pytest

from gateway import Component, Config, Evidence, Record, Resolver
from gateway.control.compiler import Compiler, PolicyError
from gateway.control.core_parts import COMPONENTS, NAMES, CoreScope
from gateway.control.explain import render
from gateway.control.plugins import Registry
from gateway.control.schema import policy_schema
from gateway.control.scope import Services
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.salts import Salts
from gateway.database.sqlite import SqliteDatabase
from gateway.dataplane.snapshot import Snapshot
from gateway.ledger.keeping import Keeping
from gateway.ledger.recovery import Recovery
from gateway.ledger.replay import Replay
from gateway.ledger.sql import SqlLedger
from gateway.store.memory import MemoryStore


class BankConfig(Config):
    url: str
    tries: int = 3


class Bank(Resolver[BankConfig]):
    name = "bank"
    Config = BankConfig

    async def ask(self, record: Record) -> Evidence | None:
        return None


class Curious(Component[Config]):
    """Would like to have what only the core has."""

    name = "curious"


REGISTRY = Registry(resolvers={"bank": Bank}, components={"curious": Curious})
TEXT = """\
    version: 1
    components: {components}
    upstreams: {{b: {{url: "http://a", idempotent: {{window: 1h}}}}}}
    routes: [{{name: all, match: {{}}, upstream: b}}]
    """


def services(**given: Any) -> Services:
    return Services(store=MemoryStore(), salts=Salts.parse("00" * 16), environ={"TOKEN": "t"}, **given)


def compiler(lent: Services | None = None) -> Compiler:
    return Compiler(REGISTRY, lent or services(), components=COMPONENTS)


def text(components: str = "{}") -> str:
    return dedent(TEXT).format(components=components)


def compiled(components: str = "{}", lent: Services | None = None) -> Snapshot:
    return compiler(lent).compile(text(components), "p.yaml")


def component(snapshot: Snapshot, kind: type[Any]) -> Any:
    return next(each for each in snapshot.components if isinstance(each, kind))


def problems(components: str) -> list[str]:
    with pytest.raises(PolicyError) as refused:
        compiled(components)
    return [str(problem) for problem in refused.value.problems]


def test_they_are_there_whatever_the_policy_says() -> None:
    assert {each.name for each in compiled().components} == {"ledger", "recovery", "forwarding", "retries", "audit"}
    assert "replay" in NAMES


def test_resolvers_are_those_of_the_policy_in_its_order() -> None:
    snapshot = compiled("{recovery: {resolvers: [{bank: {url: x}}, replay, {bank: {url: y, tries: 5}}]}}")

    assert [type(each) for each in snapshot.resolvers] == [Bank, Replay, Bank]
    assert [each.config for each in snapshot.resolvers if isinstance(each, Bank)] == [
        BankConfig(url="x"),
        BankConfig(url="y", tries=5),
    ]


def test_what_is_wrong_with_a_resolver_is_told_where_it_stands() -> None:
    assert problems("{recovery: {resolvers: [bonk, {bank: {uri: x}}, curious, {replay: {mode: off}}, 5]}}") == [
        (
            "p.yaml:2:37: components.recovery.resolvers[0].bonk: no loaded plugin has a resolver of this name; "
            "did you mean 'bank'?"
        ),
        "p.yaml:2:44: components.recovery.resolvers[1].bank.url: is required",
        "p.yaml:2:51: components.recovery.resolvers[1].bank.uri: no option has this name; did you mean 'url'?",
        (
            "p.yaml:2:61: components.recovery.resolvers[2].curious: does not belong here: "
            "a component is named under components"
        ),
        "p.yaml:2:80: components.recovery.resolvers[3].replay.mode: no option has this name",
        "p.yaml:2:93: components.recovery.resolvers[4]: write `- name` or `- name: {option: value}`",
    ]


async def test_resolvers_open_with_their_policy_and_a_missing_secret_keeps_it_closed() -> None:
    snapshot = compiled("{recovery: {resolvers: [{replay: {bearer: 'env:NONE'}}]}}")
    with pytest.raises(ValueError, match="NONE"):
        await snapshot.open()


def test_the_core_lends_its_own_parts_more_than_others() -> None:
    snapshot = compiled("{curious: , recovery: {resolvers: [replay, {bank: {url: x}}]}}")

    scopes = {each.name: each.scope for each in (*snapshot.components, *snapshot.resolvers)}
    assert {name for name, scope in scopes.items() if isinstance(scope, CoreScope)} == {*NAMES}


async def test_a_process_that_serves_nothing_has_no_policy_in_force_and_sends_nothing_again() -> None:
    snapshot = compiled("{recovery: {resolvers: [replay]}}")
    with pytest.raises(RuntimeError, match="no policy serves"):
        component(snapshot, Recovery).scope.serving()
    with pytest.raises(RuntimeError, match="no ledger"):
        _ = snapshot.resolvers[0].scope.resending  # type: ignore[attr-defined]
    assert component(snapshot, Recovery).jobs() == ()


async def test_a_component_asks_by_the_policy_in_force_and_a_resolver_sends_by_its_own(sqlite_path) -> None:
    lent = services(ledger=SqlLedger(SqliteDatabase(sqlite_path)), keyring=LocalKeyring.parse("1:" + "11" * 32))
    options = "{recovery: {resolvers: [replay]}}"
    first, second = compiled(options, lent), compiled(options, lent)
    lent.active = lambda: second

    assert component(first, Recovery) is component(second, Recovery)
    assert component(first, Recovery).scope.serving() is second
    sending = [each.resolvers[0].scope.resending for each in (first, second)]  # type: ignore[attr-defined]
    assert sending[0] is not sending[1]


def test_options_of_the_core_are_checked_like_others() -> None:
    assert problems("{ledger: {retention: 1, bodies: {mots: 1}}}") == [
        "p.yaml:2:34: components.ledger.retention: a duration needs its unit: 1s, or 1ms",
        "p.yaml:2:46: components.ledger.bodies.mots: no option has this name; did you mean 'most'?",
    ]
    assert component(compiled("{ledger: {claim: 1s}}"), Keeping).config.claim == 1.0


def test_explain_writes_out_what_a_resolver_has_by_default() -> None:
    options = "{recovery: {resolvers: [{bank: {url: x}}, replay]}}"
    told = compiler().explain(text(options), "p.yaml")

    assert told["components"]["recovery"]["resolvers"] == [{"bank": {"url": "x", "tries": 3}}, "replay"]
    assert "resolvers: [{bank: {url: x, tries: 3}}, replay]" in render(told)


def test_an_editor_knows_the_resolvers_and_their_options() -> None:
    schema = policy_schema(REGISTRY, COMPONENTS)
    items = schema["properties"]["components"]["properties"]["recovery"]["properties"]["resolvers"]["items"]

    assert [each["const"] for each in items["anyOf"][:-1]] == ["replay"]
    assert items["anyOf"][-1]["properties"].keys() == {"bank", "replay"}
    assert b'"mode"' not in orjson.dumps(schema["$defs"]["resolver.bank"])
