"""OpenAPI 3.0 and 3.1: which schema the body of a request must satisfy, by its method and path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from gateway import find

from .closing import closed, inside
from .schema_file import UnusableSchema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_PARAMETER = re.compile(r"\\\{[^/{}]+\\\}")


class Operation(NamedTuple):
    """``schema`` is what JSON must be, None where it may be anything; ``json`` and ``others`` say what is taken."""

    method: str
    path: str
    required: bool = False
    schema: dict[str, Any] | None = None
    json: bool = False
    others: bool = False


def operations(document: dict[str, Any], *, close: bool) -> list[Operation]:
    """Every operation, those whose path has no parameters first.  UnusableSchema for what is no OpenAPI 3."""
    if not str(document.get("openapi", "")).startswith("3."):
        raise UnusableSchema("it is OpenAPI of another version than 3.0 and 3.1")
    if str(document["openapi"]).startswith("3.0"):
        document = _modern(document)
    root = _closed_components(document) if close else document
    found = [each for prefix in _prefixes(document) for each in _operations(document, root, prefix, close=close)]
    return sorted(found, key=lambda each: each.path.count("{"))


def template(path: str) -> re.Pattern[str]:
    """What paths of that template look like, once they are folded."""
    return re.compile(_PARAMETER.sub("[^/]+", re.escape(folded(path))))


def folded(path: str) -> str:
    """As routes are matched: neither case nor a slash at the end steps around an operation."""
    return unquote(path).lower().rstrip("/")


def _prefixes(document: dict[str, Any]) -> set[str]:
    """The paths of the servers that the description names; what a client asks for begins with one."""
    found = set()
    for server in document.get("servers") or [{"url": "/"}]:
        url = str(server.get("url", "/"))
        for name, variable in (server.get("variables") or {}).items():
            url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
        found.add(urlsplit(url).path.rstrip("/"))
    return found


def _operations(document: dict[str, Any], root: dict[str, Any], prefix: str, *, close: bool) -> Iterator[Operation]:
    for path, item in (document.get("paths") or {}).items():
        described = _resolved(item, document)
        for method in METHODS:
            if isinstance(operation := described.get(method), dict):
                yield _operation(operation, method.upper(), prefix + path, root, document, close=close)


def _operation(
    operation: dict[str, Any], method: str, path: str, root: dict[str, Any], document: dict[str, Any], *, close: bool
) -> Operation:
    body = _resolved(operation.get("requestBody") or {}, document)
    content: Mapping[str, Any] = body.get("content") or {}
    json = next((kind for kind in content if _is_json(kind)), None)
    others = any(not _is_json(kind) for kind in content)
    required = bool(body.get("required"))
    schema = content[json].get("schema") if json is not None else None
    if schema is None:
        return Operation(method, path, required, None, json is not None, others)
    whole = closed(schema, document) if close else schema
    return Operation(method, path, required, {**root, "$schema": DIALECT, "allOf": [whole]}, True, others)


def _is_json(kind: str) -> bool:
    essence = kind.partition(";")[0].strip().lower()
    return essence.endswith(("/json", "+json", "/*"))


def _resolved(node: Any, document: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to, however often it leads on."""
    for _ in range(10):
        reference = node.get("$ref") if isinstance(node, dict) else None
        if not isinstance(reference, str):
            break
        node = find(document, unquote(reference.removeprefix("#"))) if reference.startswith("#") else None
    if not isinstance(node, dict):
        raise UnusableSchema("it refers to something that is not in it")
    return node


def _closed_components(document: dict[str, Any]) -> dict[str, Any]:
    """The places inside of what is shared are closed; what is shared is closed where it is used."""
    components = dict(document.get("components") or {})
    schemas = components.get("schemas") or {}
    components["schemas"] = {name: inside(each, document) for name, each in schemas.items()}
    return {"components": components}


def _modern(node: Any) -> Any:
    """OpenAPI 3.0's own dialect as JSON Schema 2020-12."""
    if isinstance(node, list):
        return [_modern(each) for each in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        return {"$ref": node["$ref"]}  # what stands beside it means nothing in 3.0
    made = {name: _modern(each) for name, each in node.items()}
    if made.get("nullable") is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if isinstance(made.get("enum"), list) and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(made.get(exclusive), bool) and made.pop(exclusive) and bound in made:
            made[exclusive] = made.pop(bound)
    return made
