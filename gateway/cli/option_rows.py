"""The options of a part as rows for a person, read from the JSON Schema of its Config."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from gateway.parts import Config
from gateway.units import Duration, SecretRef, Size, duration_text, size_text

Schema = Mapping[str, Any]

_PATTERNS = {
    TypeAdapter(Duration).json_schema()["pattern"]: "duration",
    TypeAdapter(SecretRef).json_schema()["pattern"]: "secret",
}
_SIZE = TypeAdapter(Size).json_schema()["anyOf"]


class OptionRow(NamedTuple):
    """``name`` is the way to it, as ``jwt.issuer`` or ``limits[].per``; ``default`` says `required` where it is."""

    name: str
    type: str
    default: str
    description: str


def option_rows(config: type[Config]) -> Iterator[OptionRow]:
    schema = config.model_json_schema()
    yield from _rows(schema, schema.get("$defs", {}), "")


def _rows(schema: Schema, definitions: Schema, prefix: str) -> Iterator[OptionRow]:
    for name, option in schema.get("properties", {}).items():
        kind = _type(option, definitions)
        required = name in schema.get("required", ())
        default = "required" if required else _default(option.get("default"), kind)
        yield OptionRow(prefix + name, kind, default, " ".join(option.get("description", "").split()))
        for nested, brackets in _nested(option, definitions):
            yield from _rows(nested, definitions, f"{prefix}{name}{brackets}.")


def _nested(schema: Schema, definitions: Schema) -> Iterator[tuple[Schema, str]]:
    """The mappings that an option may hold, itself or in a list."""
    for choice in (_resolved(each, definitions) for each in schema.get("anyOf", [schema])):
        if choice.get("properties"):
            yield choice, ""
        elif "items" in choice:
            yield from ((nested, f"[]{brackets}") for nested, brackets in _nested(choice["items"], definitions))


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    reference = schema.get("$ref")
    resolved: Schema = definitions[reference.rpartition("/")[2]] if reference else schema
    return resolved


def _type(schema: Schema, definitions: Schema) -> str:
    schema = _resolved(schema, definitions)
    match schema:
        case {"pattern": pattern} if pattern in _PATTERNS:
            written = _PATTERNS[pattern]
        case {"anyOf": choices} if choices == _SIZE:
            written = "size"
        case {"anyOf": choices}:
            kinds = dict.fromkeys(_type(each, definitions) for each in choices if each.get("type") != "null")
            written = " | ".join(kinds)
        case {"enum": values}:
            written = " | ".join(map(str, values))
        case {"const": value}:
            written = str(value)
        case {"type": "array", "items": items}:
            written = f"list of {_type(items, definitions)}"
        case _:
            kind = str(schema.get("type", "anything"))
            written = "mapping" if kind == "object" else kind
    return written


def _default(value: Any, kind: str) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case int() | float() if kind == "duration":
            return duration_text(value)
        case int() if kind == "size":
            return size_text(value)
        case list():
            return ", ".join(map(str, value))
    return json.dumps(value)
