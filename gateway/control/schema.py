"""The JSON Schema of policies, with the options of every loaded plugin, such that an editor completes from it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from gateway.control.core_parts import RESOLVERS
from gateway.control.placing import configure
from gateway.control.policy import Policy
from gateway.control.policy_parts import Mode
from gateway.ledger.recovery import Recovery
from gateway.parts import Component, Part
from gateway.units import Duration, duration_text

if TYPE_CHECKING:
    from gateway.control.plugins import Registry

Schema = dict[str, Any]
Kinds = Mapping[str, type[Part[Any]]]

_DIALECT = "http://json-schema.org/draft-07/schema#"
"""The one that yaml-language-server knows whole."""


_DURATION = TypeAdapter(Duration).json_schema()["pattern"]
_MODE = {
    **TypeAdapter(Mode).json_schema(),
    "default": "enforce",
    "description": "`shadow` runs it on a copy and records what it would have done; `off` leaves it out.",
}


class _Generator(GenerateJsonSchema):
    """Without what an editor would write into a policy and should not: titles, and defaults that need no writing."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - of no field
        return False

    def dict_schema(self, schema: Any) -> Schema:
        """A key that fits no pattern is wrong, as it is to the gateway."""
        described = super().dict_schema(schema)
        if "patternProperties" in described:
            described.pop("propertyNames", None)
            described["additionalProperties"] = False
        return described

    def default_schema(self, schema: Any) -> Schema:
        described = super().default_schema(schema)
        default = described.get("default")
        if default is None or isinstance(default, dict):
            described.pop("default", None)
        elif described.get("pattern") == _DURATION and not isinstance(default, str):
            described["default"] = duration_text(default)
        return described


def policy_schema(registry: Registry, components: Iterable[type[Component[Any]]] = ()) -> Schema:
    """``components`` are those of the core, besides what the registry has."""
    named: Kinds = {**registry.observers, **registry.components, **{kind.name: kind for kind in components}}
    resolvers: Kinds = {**registry.resolvers, **{kind.name: kind for kind in RESOLVERS}}
    kinds = [*registry.filters.values(), *registry.guards.values(), *named.values(), *resolvers.values()]
    models: list[type[BaseModel]] = [Policy, *(kind.Config for kind in kinds)]
    references, whole = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)], schema_generator=_Generator
    )
    definitions: Schema = whole["$defs"]
    options = {kind: _resolved(references[kind.Config, "validation"], definitions) for kind in kinds}
    policy = _resolved(references[Policy, "validation"], definitions)
    for role, known, holder in (
        ("filter", registry.filters, definitions["RouteEntry"]),
        ("guard", registry.guards, definitions["UpstreamEntry"]),
    ):
        for name, kind in known.items():
            definitions[f"{role}.{name}"] = _part(kind, options[kind], {"mode": _MODE})
        holder["properties"][f"{role}s"]["items"] = _entry(role, known)
    definitions |= {f"resolver.{name}": _part(kind, options[kind], {}) for name, kind in resolvers.items()}
    if Recovery in options:
        options[Recovery]["properties"]["resolvers"]["items"] = _entry("resolver", resolvers)
    policy["properties"]["components"] = {
        "type": "object",
        "description": policy["properties"]["components"]["description"],
        "properties": {name: _part(kind, options[kind], {}) for name, kind in named.items()},
        "additionalProperties": False,
    }
    return {"$schema": _DIALECT, **policy, "title": "Payguard policy", "$defs": _used(definitions)}


def _used(definitions: Schema) -> Schema:
    """Without those that were written out where they are needed, and without the names of our classes."""
    for definition in definitions.values():
        definition.pop("title", None)
    text = json.dumps(definitions)
    roots = ("RouteEntry", "UpstreamEntry")
    return {name: each for name, each in definitions.items() if name in roots or f'"#/$defs/{name}"' in text}


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    reference: str = schema["$ref"]
    return dict(definitions[reference.removeprefix("#/$defs/")])


def _part(kind: type[Part[Any]], options: Schema, added: Schema) -> Schema:
    """The options of a part: a mapping, or nothing where nothing is required."""
    described = {**options, "properties": {**options.get("properties", {}), **added}}
    if _stands_alone(kind):
        described["type"] = ["object", "null"]
    return described | _documented(kind)


def _entry(role: str, known: Kinds) -> Schema:
    """``name``, where that is enough, or ``name: {option: value}``."""
    bare: list[Schema] = [{"const": name, **_documented(kind)} for name, kind in known.items() if _stands_alone(kind)]
    mapping: Schema = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {name: {"$ref": f"#/$defs/{role}.{name}"} for name in known},
    }
    return {"anyOf": [*bare, mapping]}


def _stands_alone(kind: type[Part[Any]]) -> bool:
    config, _ = configure(kind, {})
    return config is not None


def _documented(kind: type[Part[Any]]) -> Schema:
    text = inspect.cleandoc(kind.__doc__) if kind.__doc__ else ""
    return {"description": text} if text else {}
