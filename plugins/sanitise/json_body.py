"""JSON with one meaning: what two parsers could read differently is refused, and the texts of the rest are read."""

from __future__ import annotations

import json
from collections.abc import Set as AbstractSet
from typing import Any

from gateway import DuplicateKey, has_duplicate_key

from .detection import Kind
from .problems import AmbiguousBody, BodyTooComplex
from .texts import Reading, Text, value

_MOST = 2**63 - 1


def read_json(
    data: bytes, document: Any, *, depth: int, most: int, known: AbstractSet[str] = frozenset(), any_case: bool = False
) -> Reading:
    """The keys and texts of ``document``, which is ``data`` as orjson parsed it.

    orjson refuses what is not UTF-8, a byte order mark, half a surrogate pair, NaN, Infinity, a number that no double
    holds, and what stands behind the document.  Here are refused: a key that an object has twice (400
    ``duplicate_key``), or, unless ``any_case``, in two spellings that differ in case alone (400 ``ambiguous_body``), an
    integer that 64 bits do not hold (the same), more than ``most`` keys and items, or more than ``depth`` levels (413
    ``body_too_complex``).  Keys that are ``known`` are not screened.
    """
    texts, fresh, objects, large = _texts(document, depth, most, known)
    if data.count(b":") != sum(map(len, objects)) and has_duplicate_key(data, document):
        raise DuplicateKey("An object of the body has the same key twice, so it has no one meaning")
    if not any_case and any(len(set(map(str.casefold, each))) != len(each) for each in objects):
        raise AmbiguousBody(
            "An object of the body has two keys that differ in case alone: to some readers they are one"
        )
    if large:
        json.loads(data, parse_int=_exact)
    return Reading(texts, lambda: _located(document), fresh)


def _texts(
    document: Any, depth: int, most: int, known: AbstractSet[str]
) -> tuple[list[str], list[str], list[dict[str, Any]], bool]:
    """Level by level: texts and keys, fresh keys, the objects, and whether a number may be too large."""
    texts: list[str] = []
    fresh: list[str] = []
    objects: list[dict[str, Any]] = []
    items = 0
    large = False
    level: list[Any] = [[document]]
    for _ in range(depth + 1):
        below: list[Any] = []
        for node in level:
            items += len(node)
            values = node
            if type(node) is dict:
                objects.append(node)
                if unknown := node.keys() - known:
                    fresh += unknown
                values = node.values()
            for each in values:
                kind = type(each)
                if kind is str:
                    texts.append(each)
                elif kind is dict or kind is list:
                    below.append(each)
                elif (kind is int or kind is float) and not -_MOST <= each <= _MOST:
                    large = True
        if items > most:
            raise BodyTooComplex(f"More than {most} values are not taken here")
        if not below:
            return texts + fresh, fresh, objects, large
        level = below
    raise BodyTooComplex(f"More than {depth} levels are not taken here")


def _exact(digits: str) -> int:
    """Orjson makes a double of an integer that has more bits, other parsers wrap it around or keep every digit."""
    if len(digits) > 20 or not -_MOST - 1 <= int(digits) <= _MOST:
        raise AmbiguousBody("An integer of the body has more than 64 bits, so it has no one meaning")
    return int(digits)


def _located(document: Any) -> list[Text]:
    found: list[Text] = []
    _locate(document, "", "", found)
    return found


def _locate(node: Any, pointer: str, name: str, found: list[Text]) -> None:
    """``name`` is that of the field that holds the node, or the list that the node is in."""
    kind = type(node)
    if kind is str:
        found.append(value(pointer or "body", name, node))
    elif kind is dict:
        for key, each in node.items():
            token = key if "/" not in key and "~" not in key else key.replace("~", "~0").replace("/", "~1")
            inner = f"{pointer}/{token}"
            found.append(Text(inner, key, Kind.KEY))
            _locate(each, inner, key, found)
    elif kind is list:
        for number, each in enumerate(node):
            _locate(each, f"{pointer}/{number}", name, found)
