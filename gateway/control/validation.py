"""Validation: pydantic's errors as problems of a document, in the words of whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.control.positions import Document
from gateway.control.problems import Path, Problem
from gateway.spelling import did_you_mean

_SHAPES = {
    "dict_type": "mapping",
    "mapping_type": "mapping",
    "model_type": "mapping",
    "model_attributes_type": "mapping",
    "list_type": "list",
    "tuple_type": "list",
    "set_type": "list",
    "frozen_set_type": "list",
}
_QUOTED = re.compile(r"'([^']*)'")


def problems_of(invalid: ValidationError, model: type[BaseModel], document: Document, base: Path) -> Iterator[Problem]:
    """Each error of validating what ``base`` leads to as a ``model``, where it is in the document."""
    given = _follow(document.data, base)
    errors = invalid.errors(include_url=False)
    for error in errors:
        if _follows(error, errors):
            continue
        way = _way(given, error)
        at_key = error["type"] == "extra_forbidden" or error["loc"][-1:] == ("[key]",)
        yield document.problem(base + way, _message(error, model, way), at_key=at_key)


def _follows(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Whether it says no more than others do: a list is too short for pydantic without the items that are wrong."""
    if error["type"] != "too_short":
        return False
    within = error["loc"]
    return any(len(each["loc"]) > len(within) and each["loc"][: len(within)] == within for each in errors)


def _follow(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step] if _holds(data, step) else None
    return data


def _way(data: Any, error: ErrorDetails) -> Path:
    """The error's location without what pydantic adds to it, such as the arms of a union, and with a part's name."""
    way: Path = ()
    for number, step in enumerate(error["loc"]):
        if not _holds(data, step) and isinstance(data, dict) and len(data) == 1:
            [(name, options)] = data.items()
            if _holds(options, step):
                way, data = (*way, name), options
        if _holds(data, step):
            way, data = (*way, step), data[step]
        elif error["type"] == "missing" and number == len(error["loc"]) - 1:
            way = (*way, step)
    return way


def _holds(data: Any, step: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(step, int) and step < len(data)
    return isinstance(data, dict) and step in data


def _message(error: ErrorDetails, model: type[BaseModel], way: Path) -> str:
    match error["type"]:
        case "extra_forbidden":
            return f"no option has this name{did_you_mean(str(way[-1]), options_at(model, way[:-1]))}"
        case "missing":
            return "is required"
        case "literal_error":
            choices = _QUOTED.findall(error["ctx"]["expected"])
            return f"should be {error['ctx']['expected']}{did_you_mean(str(error['input']), choices)}"
        case "string_pattern_mismatch":
            return f"should match {error['ctx']['pattern']}"
        case kind if kind in _SHAPES:
            return f"should be a {_SHAPES[kind]}"
    return error["msg"].removeprefix("Value error, ").replace("Input should be", "should be", 1)


def options_at(annotation: Any, way: Path) -> Iterator[str]:
    """The names that a mapping may hold at the end of ``way`` through what ``annotation`` describes."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        if not way:
            yield from fields
        elif way[0] in fields:
            yield from options_at(fields[str(way[0])].annotation, way[1:])
        return
    origin = get_origin(annotation)
    container = isinstance(origin, type) and issubclass(origin, Mapping | Sequence | set | frozenset)
    if container and not way:
        return
    for argument in get_args(annotation):
        yield from options_at(argument, way[1:] if container else way)
