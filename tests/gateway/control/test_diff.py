from typing import Any

import pytest

from gateway.control.diff import Change, diff


def route(name: str, *filters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "filters": list(filters), **more}


def step(name: str, mode: str = "enforce", **options: Any) -> dict[str, Any]:
    return {"name": name, "mode": mode, "options": options, "provides": ["Principal"]}


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [str(change) for change in diff({"digest": "a", **old}, {"digest": "b", **new})]


def test_policies_that_do_the_same_do_not_differ() -> None:
    same = {"routes": [route("pay", step("who"))], "components": {}}
    assert changes(same, same) == []


def test_a_value_that_changed_is_shown_as_it_was_and_is() -> None:
    assert changes(
        {"upstreams": [{"name": "b", "timeouts": {"total": "10s"}}]},
        {"upstreams": [{"name": "b", "timeouts": {"total": "8s"}}]},
    ) == ["upstreams[b].timeouts.total: 10s -> 8s"]
    assert changes({"match": {"methods": ["GET"]}}, {"match": {"methods": None}}) == ["match.methods: [GET] -> null"]


def test_routes_and_filters_are_known_by_their_names() -> None:
    old = {"routes": [route("pay", step("who"), step("limit", most=1)), route("rest")]}
    new = {"routes": [route("new"), route("pay", step("who", "shadow"), step("cache")), route("rest")]}
    assert changes(old, new) == [
        "routes[new]: added",
        "routes[pay].filters[who].mode: enforce -> shadow",
        "routes[pay].filters[cache]: added",
        "routes[pay].filters[limit]: removed",
    ]


def test_an_order_that_changed_is_told_as_such() -> None:
    old, new = [route("a"), route("b"), route("c")], [route("c"), route("a"), route("b"), route("d")]
    assert changes({"routes": old}, {"routes": new}) == ["routes[d]: added", "routes: moved, a, b, c -> c, a, b"]


def test_a_filter_that_stands_twice_is_told_apart() -> None:
    old = {"routes": [route("pay", step("limit", most=1), step("limit", most=2))]}
    new = {"routes": [route("pay", step("limit", most=1), step("limit", most=3))]}
    assert changes(old, new) == ["routes[pay].filters[limit#2].options.most: 2 -> 3"]


def test_what_follows_from_the_rest_is_not_told() -> None:
    old, new = step("who"), {**step("who"), "provides": []}
    assert changes({"routes": [route("pay", old)]}, {"routes": [route("pay", new)]}) == []


def test_options_come_and_go() -> None:
    assert changes({"components": {"a": {}}}, {"components": {"b": {"to": "x"}}}) == [
        "components.b: added, {to: x}",
        "components.a: removed, {}",
    ]


@pytest.mark.parametrize(("old", "new"), [([], [{"name": "a"}]), ([{"name": "a"}], [])])
def test_the_first_and_the_last_of_a_list_are_added_and_removed(old: list[Any], new: list[Any]) -> None:
    [change] = diff({"guards": old}, {"guards": new})
    assert change == Change(
        "guards[a]", "added" if new else "removed", None if new else {"name": "a"}, {"name": "a"} if new else None
    )
