from __future__ import annotations

from typing import Any

import pytest

from gateway.control.own import claims, naming_filters, own_routes
from gateway.control.policy import MatchEntry
from gateway.control.scope import NOTHING_MASKED
from gateway.facts import Payment, Principal
from gateway.ledger.owners import Owners
from gateway.parts import Config, Filter

OWNERS = Owners(NOTHING_MASKED, lambda purpose, caller: [f"{purpose} {caller}"])


class Tenant:
    """A fact of a team's own."""


def step(requires: tuple[type, ...] = (), provides: tuple[type, ...] = ()) -> Filter[Any]:
    class Step(Filter[Config]):
        name = "step"

        def __init__(self) -> None:
            self.requires, self.provides = requires, provides

    return Step()


def test_the_filter_that_names_the_caller_is_taken_and_no_other() -> None:
    names, other = step(provides=(Principal,)), step()
    assert naming_filters([other, names, other]) == (names,)


def test_what_it_needs_is_taken_with_it_in_order() -> None:
    tenant, names = step(provides=(Tenant,)), step(requires=(Tenant,), provides=(Principal,))
    assert naming_filters([tenant, step(), names]) == (tenant, names)


@pytest.mark.parametrize(
    "filters", [[], [step()], [step(requires=(Payment,), provides=(Principal,))]], ids=["none", "nobody", "of a body"]
)
def test_where_nobody_can_tell_who_calls_nobody_is_taken(filters: list[Filter[Any]]) -> None:
    assert naming_filters(filters) == ()


def test_the_gateway_has_one_route_of_its_own() -> None:
    assert [route.name for route in own_routes(None, {"pay": [step(provides=(Principal,))], "rest": []}, OWNERS)] == [
        "payguard.status"
    ]


@pytest.mark.parametrize(
    ("name", "match", "place"),
    [
        ("payguard.mine", MatchEntry(path="/a"), ("name",)),
        ("mine", MatchEntry(path="/.payguard/payments/{id}"), ("match", "path")),
        ("mine", MatchEntry(prefix="/.payguard"), ("match", "prefix")),
        ("mine", MatchEntry(prefix="/.PAYGUARD/x"), ("match", "prefix")),
    ],
)
def test_what_is_the_gateways_own_no_route_takes(name: str, match: MatchEntry, place: tuple[str, ...]) -> None:
    assert [where for where, _ in claims(name, match)] == [place]


@pytest.mark.parametrize("match", [None, MatchEntry(path="/{rest:path}"), MatchEntry(prefix="/.payguarded")])
def test_what_is_not_is_free(match: MatchEntry | None) -> None:
    assert list(claims("payguard", match)) == []
