"""Keys of JSON objects: parsers differ in what a repeated one means."""

from __future__ import annotations

import re
from typing import Any

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def has_duplicate_key(data: bytes, document: Any) -> bool:
    """Whether an object of ``data`` has a key twice, where ``document`` is ``data`` parsed.

    Outside strings, JSON has one colon for each key that was written; the parsed document has one for each that is
    left.
    """
    keys = _keys(document)
    return data.count(b":") != keys and _STRING.sub(b"", data).count(b":") != keys


def _keys(document: Any) -> int:
    count, pending = 0, [document]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            count += len(node)
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    return count
