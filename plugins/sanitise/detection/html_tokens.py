"""Tags as a browser's tokeniser reads them, from any ``<`` of a text; the end of the text ends a tag."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TAG = re.compile(r"<(/?)([a-z][^\s/>\x00]*+)", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""[\s/\x00-\x20]*+ ([^\s/>=][^\s/>=]*+) [\s\x00-\x20]*+
    (?: = [\s\x00-\x20]*+ ( "[^"]*+"? | '[^']*+'? | [^\s>]*+ ) )?""",
    re.VERBOSE,
)
_END = re.compile(r"[\s/]*+>")

MOST_ATTRIBUTES = 128
"""More has no tag that a hand or an editor wrote."""

MOST_OVERLAPPING = 24
MOST_TAGS = 4000


class Attribute(NamedTuple):
    name: str
    value: str | None
    """None where it has none; without its quotes else."""


class Tag(NamedTuple):
    name: str
    closing: bool
    attributes: tuple[Attribute, ...]
    start: int
    end: int


class TooMany(Exception):
    """More tags, or tags that begin inside of others, than any text has; to read them all would take too long."""


def tags(text: str) -> Iterator[Tag]:
    """Each tag, wherever its ``<`` stands, names in lower case."""
    read = overlapping = 0
    for number, match in enumerate(_TAG.finditer(text)):
        overlapping += match.start() < read
        if overlapping > MOST_OVERLAPPING or number > MOST_TAGS:
            raise TooMany
        attributes, read = _attributes(text, match.end())
        yield Tag(match[2].lower(), match[1] == "/", attributes, match.start(), read)


def _attributes(text: str, at: int) -> tuple[tuple[Attribute, ...], int]:
    found: list[Attribute] = []
    while not _END.match(text, at):
        match = _ATTRIBUTE.match(text, at)
        if match is None:
            break
        if len(found) == MOST_ATTRIBUTES:
            raise TooMany
        found.append(Attribute(match[1].lower(), _unquoted(match[2])))
        at = match.end()
    return tuple(found), at


def _unquoted(value: str | None) -> str | None:
    if value and value[0] in "\"'":
        return value[1:-1] if len(value) > 1 and value[-1] == value[0] else value[1:]
    return value
