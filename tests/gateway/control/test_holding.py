"""Where a filter that holds payments may stand."""

from __future__ import annotations

from typing import Any

import pytest

from gateway import Filter, Hold
from gateway.control.holding import unholdable
from gateway.testing import HandScope


class Claims(Filter[Any]):
    name = "claims"
    reserves = True


class Holds(Filter[Any]):
    name = "holds"
    holds = Hold(1, 1.0)


class Judges(Filter[Any]):
    name = "judges"


class Reruns(Filter[Any]):
    name = "reruns"
    reruns = True


KINDS: dict[str, type[Filter[Any]]] = {"c": Claims, "h": Holds, "j": Judges, "r": Reruns}


def said(kinds: str, *, pays: bool = True) -> list[tuple[int, str]]:
    made = [KINDS[each](Filter.Config(), HandScope()) if each != "-" else None for each in kinds]
    return list(unholdable(made, pays=pays))


@pytest.mark.parametrize("kinds", ["", "j", "cjh", "chr", "ch-"])
def test_below_one_that_claims_and_above_what_runs_again_it_may(kinds: str) -> None:
    assert said(kinds) == []


@pytest.mark.parametrize(
    ("kinds", "number", "why"),
    [("h", 0, "claims requests"), ("hc", 0, "claims requests"), ("chj", 2, "would never see"), ("chh", 2, "one such")],
)
def test_elsewhere_it_may_not_and_is_told_why(kinds: str, number: int, why: str) -> None:
    [(where, told), *_] = said(kinds)

    assert where == number
    assert why in told


def test_only_payments_are_held() -> None:
    assert said("ch", pays=False) == [(1, "holds payments: give the route a payment")]
