"""Keys of JSON objects: parsers differ in what a repeated one means."""

from __future__ import annotations

import re
from typing import Any

import orjson

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def has_duplicate_key(data: bytes, document: Any) -> bool:
    """Whether an object of ``data`` has a key twice, where ``document`` is ``data`` parsed.

    What is written anew as the same bytes, as compact JSON mostly is, has none.  Else: outside strings, JSON has one
    colon for each key that was written; the parsed document has one for each that is left.
    """
    if _written(document) == data:
        return False
    keys = _keys(document)
    return data.count(b":") != keys and _STRING.sub(b"", data).count(b":") != keys


def _written(document: Any) -> bytes | None:
    """Compact; None where it is nested more deeply than can be written."""
    try:
        return orjson.dumps(document)
    except orjson.JSONEncodeError:
        return None


def _keys(document: Any) -> int:
    count, nodes = 0, [document]
    for node in nodes:  # the list grows meanwhile
        kind = type(node)
        if kind is dict:
            count += len(node)
            nodes += node.values()
        elif kind is list:
            nodes += node
    return count
