"""Closing a schema: objects whose fields it names get no others, wherever it leaves that open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from gateway import find

_SCHEMAS = ("items", "additionalProperties", "contains", "propertyNames", "unevaluatedItems")
_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_TOGETHER = ("allOf", "anyOf", "oneOf")
_CHOSEN = ("if", "then", "else")
_FIELDS = ("properties", "patternProperties")

OPEN = "unevaluatedProperties"
"""What closes an object: it sees through ``allOf`` and ``$ref``, where ``additionalProperties`` does not."""


def closed(schema: Any, root: dict[str, Any]) -> Any:
    """A copy of ``schema`` as what one place of a body must be; its references lead into ``root``."""
    if not isinstance(schema, dict):
        return schema
    made = inside(schema, root)
    if not {OPEN, "additionalProperties"} & made.keys() and _names_fields(schema, root, set()):
        made[OPEN] = False
    return made


def inside(schema: Any, root: dict[str, Any]) -> Any:
    """A copy of ``schema``, itself as open as it was: others may stand beside it and describe the same place."""
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    for word, given in schema.items():
        if word in _SCHEMAS and isinstance(given, dict):
            made[word] = closed(given, root)
        elif word in _FIELDS and isinstance(given, dict):
            made[word] = {name: closed(each, root) for name, each in given.items()}
        elif word in _NAMED and isinstance(given, dict):
            made[word] = {name: inside(each, root) for name, each in given.items()}
        elif word == "prefixItems" and isinstance(given, list):
            made[word] = [closed(each, root) for each in given]
        elif word in _TOGETHER and isinstance(given, list):
            made[word] = [inside(each, root) for each in given]
        elif word in _CHOSEN:
            made[word] = inside(given, root)
    return made


def _names_fields(schema: Any, root: dict[str, Any], seen: set[str]) -> bool:
    """Whether it, or what it refers to, names a field: an object of which nothing is said is meant to be free."""
    if not isinstance(schema, dict):
        return False
    if any(schema.get(word) for word in _FIELDS):
        return True
    return any(_names_fields(each, root, seen) for each in _beside(schema, root, seen))


def _beside(schema: dict[str, Any], root: dict[str, Any], seen: set[str]) -> Iterator[Any]:
    for word in _TOGETHER:
        yield from schema.get(word, ())
    yield from (schema[word] for word in _CHOSEN if word in schema)
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#") and reference not in seen:
        seen.add(reference)
        yield find(root, unquote(reference[1:]))
