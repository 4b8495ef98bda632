import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gateway import Component, Config, Duration, Filter, Guard, Observer, Size
from gateway.control.core_parts import COMPONENTS
from gateway.control.plugins import Registry, load_plugins
from gateway.control.schema import policy_schema
from gateway.control.settings import load_settings

POLICIES = Path(__file__).parents[3] / "policies"
Schema = dict[str, Any]
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_of(value: Any, kind: str) -> bool:
    if kind in ("integer", "number"):
        return isinstance(value, int if kind == "integer" else int | float) and not isinstance(value, bool)
    return isinstance(value, TYPES[kind])


CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, kinds: any(is_of(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)),
    "const": lambda value, only: value == only,
    "enum": lambda value, choices: value in choices,
    "pattern": lambda value, pattern: not isinstance(value, str) or bool(re.search(pattern, value)),
    "minLength": lambda value, least: not isinstance(value, str) or len(value) >= least,
    "maxLength": lambda value, most: not isinstance(value, str) or len(value) <= most,
    "minimum": lambda value, least: not isinstance(value, int | float) or value >= least,
    "exclusiveMinimum": lambda value, least: not isinstance(value, int | float) or value > least,
    "exclusiveMaximum": lambda value, most: not isinstance(value, int | float) or value < most,
    "maximum": lambda value, most: not isinstance(value, int | float) or value <= most,
    "minItems": lambda value, least: not isinstance(value, list) or len(value) >= least,
    "maxItems": lambda value, most: not isinstance(value, list) or len(value) <= most,
    "uniqueItems": lambda *_: True,
    "required": lambda value, names: not isinstance(value, dict) or not set(names) - value.keys(),
    "minProperties": lambda value, least: not isinstance(value, dict) or len(value) >= least,
    "maxProperties": lambda value, most: not isinstance(value, dict) or len(value) <= most,
}
SAYINGS = {"$schema", "$defs", "title", "description", "default", "examples"}
NESTED = {"$ref", "anyOf", "items", "properties", "patternProperties", "additionalProperties", "propertyNames"}


def faults(value: Any, schema: Schema, root: Schema) -> Iterator[str]:
    """What JSON Schema says of a value, for the keywords that ours uses."""
    assert not schema.keys() - CHECKS.keys() - SAYINGS - NESTED, "teach the test this keyword"
    for keyword, rule in schema.items():
        if keyword in CHECKS and not CHECKS[keyword](value, rule):
            yield f"{value!r}: {keyword} {rule}"
    if "anyOf" in schema and all(any(faults(value, each, root)) for each in schema["anyOf"]):
        yield f"{value!r}: anyOf"
    if "$ref" in schema:
        yield from faults(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    for inner, rule in within(value, schema):
        yield from [f"{inner!r} may not be here"] if rule is False else faults(inner, rule, root)


def within(value: Any, schema: Schema) -> Iterator[tuple[Any, Any]]:
    """Each item and each property of a value, with the schema that holds for it, or False."""
    if isinstance(value, list) and "items" in schema:
        yield from ((item, schema["items"]) for item in value)
    for name, inner in value.items() if isinstance(value, dict) else ():
        if "propertyNames" in schema:
            yield name, schema["propertyNames"]
        patterns = [each for pattern, each in schema.get("patternProperties", {}).items() if re.search(pattern, name)]
        if name in schema.get("properties", {}):
            yield inner, schema["properties"][name]
        elif patterns:
            yield inner, patterns[0]
        elif schema.get("additionalProperties", True) is not True:
            yield inner, schema["additionalProperties"]


class LimitConfig(Config):
    most: Size
    window: Duration = 60.0
    block: Duration | None = None
    """How long nothing more is taken."""


class Limit(Filter[LimitConfig]):
    """Takes so many requests, and no more.

    More of it.
    """

    name = "limit"
    Config = LimitConfig


class Plain(Filter[Config]):
    """Does what it does."""

    name = "plain"


class Breaker(Guard[Config]):
    name = "breaker"


class Alarm(Component[LimitConfig]):
    name = "alarm"
    Config = LimitConfig


class Tally(Observer[Config]):
    name = "tally"


SCHEMA = policy_schema(
    Registry(filters={"limit": Limit, "plain": Plain}, guards={"breaker": Breaker}, observers={"tally": Tally}),
    [Alarm],
)


def policy(filters: Any = (), **more: Any) -> dict[str, Any]:
    route = {"name": "all", "match": {}, "upstream": "b", "filters": list(filters)}
    return {"version": 1, "upstreams": {"b": {"url": "http://a"}}, "routes": [route], **more}


def wrong(document: Any, schema: dict[str, Any] = SCHEMA) -> list[str]:
    return list(faults(document, schema, schema))


@pytest.mark.parametrize("path", sorted(POLICIES.glob("*.yaml")), ids=lambda path: path.name)
def test_the_policies_that_we_ship_fit_the_schema(path: Path) -> None:
    assert wrong(YAML(typ="safe").load(path), policy_schema(load_plugins(load_settings({})).registry, COMPONENTS)) == []


@pytest.mark.parametrize(
    "document",
    [
        policy(["plain", {"plain": None}, {"plain": {"mode": "off"}}]),
        policy([{"limit": {"most": "16KiB", "window": "5s", "mode": "shadow"}}, {"limit": {"most": 5}}]),
        policy(components={"alarm": {"most": 1}, "tally": None}),
        policy(upstreams={"b": {"url": "unix:/a", "idempotent": False, "guards": ["breaker"]}}),
        policy(upstreams={"b": {"url": "unix:/a", "idempotent": {"window": "23h"}}}),
    ],
)
def test_what_the_gateway_takes_fits(document: dict[str, Any]) -> None:
    assert wrong(document) == []


@pytest.mark.parametrize(
    "document",
    [
        policy(["limit"]),
        policy(["magic"]),
        policy([{"limit": {}}]),
        policy([{"limit": None}]),
        policy([{"limit": {"most": 1, "windw": "5s"}}]),
        policy([{"limit": {"most": 1, "window": 5}}]),
        policy([{"limit": {"most": 1, "mode": "on"}}]),
        policy([{"plain": {}, "limit": {"most": 1}}]),
        policy(components={"plain": {}}),
        policy(components={"tally": {"mode": "off"}}),
        policy(upstreams={"b": {"url": "http://a", "guards": ["plain"]}}),
        policy(upstreams={"b": {"url": "http://a", "timeouts": {"total": 5}}}),
        policy(upstreams={"b": {"url": "http://a", "idempotent": True}}),
        policy(upstreams={"b": {"url": "http://a"}, "c d": {"url": "http://a"}}),
        policy(version=2),
        policy(when="now"),
    ],
)
def test_what_the_gateway_refuses_does_not(document: dict[str, Any]) -> None:
    assert wrong(document) != []


def test_an_editor_shows_what_each_part_and_option_is_for() -> None:
    limit = SCHEMA["$defs"]["filter.limit"]
    assert limit["description"] == "Takes so many requests, and no more.\n\nMore of it."
    assert limit["properties"]["block"]["description"] == "How long nothing more is taken."
    bare, mapping = SCHEMA["$defs"]["RouteEntry"]["properties"]["filters"]["items"]["anyOf"]
    assert bare == {"const": "plain", "description": "Does what it does."}
    assert list(mapping["properties"]) == ["limit", "plain"]


def test_defaults_are_written_as_a_policy_would_have_them() -> None:
    assert SCHEMA["$defs"]["filter.limit"]["properties"]["window"]["default"] == "1m"
    assert SCHEMA["$defs"]["TimeoutsEntry"]["properties"]["total"]["default"] == "10s"
    assert "default" not in SCHEMA["$defs"]["UpstreamEntry"]["properties"]["timeouts"]


def test_every_reference_leads_somewhere_and_nothing_is_left_over() -> None:
    text = str(SCHEMA)
    assert set(re.findall(r"#/\$defs/([\w.]+)", text)) == SCHEMA["$defs"].keys()
