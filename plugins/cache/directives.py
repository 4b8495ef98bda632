"""Directives: what ``Cache-Control`` and its like say, read as strictly as safety asks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

Directives: TypeAlias = Mapping[str, str | None]
"""By names in lower case: the argument, or None where there is none."""

NONE: Directives = MappingProxyType({})

LONGEST = 2**31
"""A delta that is greater is this (RFC 9111 §1.2.2)."""

_ITEM = re.compile(r"""[\s,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?[ \t]*(?=,|$)""")
_BETWEEN = re.compile(r"[\s,]*(?:[^,\"]|\"(?:[^\"\\]|\\.)*(?:\"|$))*")
_ESCAPED = re.compile(r"\\(.)")
_DIGITS = re.compile(r"[0-9]+")
_SF_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_SF_BARE = re.compile(
    r"""\?[01]|-?[0-9]{1,15}(?:\.[0-9]{1,3})?|"(?:[ !#-\[\]-~]|\\["\\])*"|[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*"""
)


def directives(values: Sequence[bytes]) -> Directives:
    """Of all fields of one name.  Of a directive that comes twice the first counts; what is none is passed over."""
    if not values:
        return NONE
    return _parsed(values[0] if len(values) == 1 else b",".join(values))


@lru_cache(1000)
def _parsed(value: bytes) -> Directives:
    """Backends say the same few things again and again."""
    text = value.decode("latin-1")
    found: dict[str, str | None] = {}
    at = 0
    while at < len(text):
        item = _ITEM.match(text, at)
        if item is None:
            at = max(at + 1, _BETWEEN.match(text, at).end())  # type: ignore[union-attr]  # it matches anything
            continue
        name, quoted, plain = item.groups()
        found.setdefault(name.lower(), plain if quoted is None else _ESCAPED.sub(r"\1", quoted))
        at = item.end()
    return MappingProxyType(found)


def delta(said: Directives, name: str) -> int | None:
    """Seconds; None where the directive is missing, 0 where it is there and says no number: then it is stale."""
    if name not in said:
        return None
    text = said[name]
    if text is None or not _DIGITS.fullmatch(text):
        return 0
    return min(int(text[:11]), LONGEST)


def targeted(values: Sequence[bytes]) -> Directives | None:
    """A targeted field (RFC 9213), a dictionary of RFC 8941; None where it is missing, empty or no dictionary.

    A member counts as a directive where it has the type that directive has: true without an argument, or a number.
    """
    text = b",".join(values).decode("latin-1").strip(" \t")
    if not text:
        return None
    found: dict[str, str | None] = {}
    for member in _members(text):
        key = _SF_KEY.match(member)
        if key is None:
            return None
        rest, value = member[key.end() :], None
        if rest.startswith("="):
            bare = _SF_BARE.match(rest, 1)
            if bare is None:
                return None
            value, rest = bare[0], rest[bare.end() :]
        if rest and not re.fullmatch(r"(?: *;[ ]*[a-z*][a-z0-9_.*-]*(?:=[^;,]+)?)*", rest):
            return None
        found.pop(key[0], None)
        if value != "?0":
            found[key[0]] = None if value == "?1" else value
    return found


def _members(text: str) -> list[str]:
    """Split at the commas that stand in no string."""
    return [each.strip(" \t") for each in re.findall(r"(?:[^,\"]|\"(?:[^\"\\]|\\.)*\"?)+|(?<=,)(?=,)|(?<=,)$", text)]
