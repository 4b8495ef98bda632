"""What bodies must be: a JSON Schema, or an OpenAPI description, compiled once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from .closing import closed
from .openapi import DIALECT, Operation, folded, operations, template
from .options import SchemaConfig
from .problems import BodyNotTaken, OperationNotDescribed, SchemaViolation
from .schema_file import UnusableSchema, parse_schema, read_schema
from .texts import shown

if TYPE_CHECKING:
    import re

    from jsonschema_rs import ValidationError, Validator

    from .bodies import Content

MOST_ERRORS = 10

_OLD = ("draft-03", "draft-04", "draft-05", "draft-06", "draft-07")
_UNKNOWN = frozenset({"additionalProperties", "unevaluatedProperties"})
_BACKTRACKING = 10_000
"""Steps that one pattern may take on one text: a pattern of the schema's author must not stop the gateway."""


class Body(NamedTuple):
    """What one operation takes.  ``validator`` is None where JSON may be anything."""

    validator: Validator | None
    required: bool = False
    json: bool = True
    others: bool = False


class Dropped(NamedTuple):
    """A document without its unknown fields, and where they were."""

    document: Any
    pointers: Sequence[str]


class Schema:
    """Finds what a request's body must be.  UnusableSchema where the file is none, or cannot be compiled."""

    def __init__(self, config: SchemaConfig) -> None:
        close = config.unknown != "pass"
        self._drop = config.unknown == "drop"
        self._only, self._literal, self._templates = _compiled(read_schema(config.file), config.file, close=close)
        self._undescribed = config.undescribed

    def check(self, method: str, path: str, content: Content, *, empty: bool) -> Dropped | None:
        """Refuse what is not as described; what is to be dropped of the rest, None where that is nothing.

        404 ``operation_not_described``, 415 ``body_not_taken``, 422 ``schema_violation``.
        """
        body = self._only or self._operation(method, path)
        if body is None:
            if self._undescribed == "pass":
                return None
            raise OperationNotDescribed("The description of this API has no such operation")
        if empty:
            if body.required:
                raise SchemaViolation("A body is required", pointer="", errors=[{"pointer": "", "keyword": "required"}])
            return None
        if not content.json:
            if body.others:
                return None
            raise BodyNotTaken("This operation takes JSON")
        if not body.json:
            raise BodyNotTaken("This operation takes no JSON")
        if body.validator is None or body.validator.is_valid(content.document):
            return None
        return self._judge(body.validator, content.document)

    def _operation(self, method: str, path: str) -> Body | None:
        asked = folded(path)
        found = self._literal.get((method, asked))
        if found is None:
            found = next((body for each, at, body in self._templates if each == method and at.fullmatch(asked)), None)
        if found is None and method == "HEAD":  # a GET without its answer's body (RFC 9110 §9.3.2)
            return self._operation("GET", path)
        return found

    def _judge(self, validator: Validator, document: Any) -> Dropped:
        errors = list(validator.iter_errors(document))
        if not self._drop or any(error.kind.name not in _UNKNOWN for error in errors):
            raise violation(errors)
        pointers = [each for error in errors for each in _dropped(document, error)]
        if not validator.is_valid(document):
            raise violation(list(validator.iter_errors(document)))
        return Dropped(document, pointers)


def _dropped(document: Any, error: ValidationError) -> Iterator[str]:
    for step in error.instance_path:
        document = document[step]
    for name in error.kind.unexpected:  # type: ignore[attr-defined]  # both kinds have it
        if name in document:  # which the error of another branch may have named before
            del document[name]
            yield _pointer([*error.instance_path, name])


def violation(errors: Sequence[ValidationError]) -> SchemaViolation:
    """What is wrong and where, in the words of the schema; nothing of what was sent."""
    told = sorted(errors, key=lambda error: error.kind.name in _UNKNOWN)  # a wrong field may count as unknown as well
    listed = [
        {"pointer": shown(pointer), "keyword": error.kind.name} for error in told for pointer in _pointers(error)
    ][:MOST_ERRORS]
    first = listed[0]
    detail = f"{first['pointer'] or 'The body'} is not as described: {first['keyword']}"
    return SchemaViolation(detail, pointer=first["pointer"], errors=listed)


def _pointers(error: ValidationError) -> Iterable[str]:
    names: Iterable[str] = getattr(error.kind, "unexpected", None) or ()
    if error.kind.name == "required":
        names = [error.kind.property]  # type: ignore[attr-defined]  # that kind has it
    return [_pointer([*error.instance_path, name]) for name in names] or [_pointer(error.instance_path)]


def _pointer(way: Iterable[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in way)


@lru_cache(maxsize=16)
def _compiled(
    data: bytes, file: str, *, close: bool
) -> tuple[Body | None, dict[tuple[str, str], Body], list[tuple[str, re.Pattern[str], Body]]]:
    """Equal bytes are compiled once, however many routes and reloads name them."""
    document = parse_schema(data, file)
    if not {"openapi", "swagger"} & document.keys():
        return Body(_validator(_standing_alone(document, file, close=close), file)), {}, []
    try:
        found = operations(document, close=close)
    except UnusableSchema as error:
        raise UnusableSchema(f"{file} cannot be used: {error}") from None
    literal, templates = {}, []
    for each in found:
        body = _body(each, file)
        if "{" in each.path:
            templates.append((each.method, template(each.path), body))
        else:
            literal[each.method, folded(each.path)] = body
    return None, literal, templates


def _standing_alone(document: dict[str, Any], file: str, *, close: bool) -> dict[str, Any]:
    if not close:
        return document
    if any(draft in str(document.get("$schema", "")) for draft in _OLD):
        raise UnusableSchema(
            f"{file} is of a draft before 2019-09, which cannot be closed from outside: say unknown: pass, and "
            f"additionalProperties: false in the schema"
        )
    made: dict[str, Any] = closed(document, document)
    return {"$schema": DIALECT} | made


def _body(operation: Operation, file: str) -> Body:
    where = f"{file}, {operation.method} {operation.path},"
    validator = None if operation.schema is None else _validator(operation.schema, where)
    return Body(validator, operation.required, operation.json, operation.others)


def _validator(schema: dict[str, Any], where: str) -> Validator:
    import jsonschema_rs  # noqa: PLC0415 - for routes with a schema

    patterns = jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKING)
    try:
        return jsonschema_rs.validator_for(schema, validate_formats=True, offline=True, pattern_options=patterns)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        said = str(error).partition("\n")[0]
        raise UnusableSchema(f"{where} cannot be compiled: {said}") from None
