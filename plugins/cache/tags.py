"""Tags: words by which answers are purged together, from what the upstream says and from templates of the policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import orjson

from gateway import BEGINNINGS, BadOption, Pieces, as_text, find

from .fields import values_in
from .options import TagsConfig

MOST = 50
"""Tags that one answer may have; the first count."""

LONGEST = 200

BLANK = re.compile(r"\{([^{}]*)\}")


class Tags:
    """Of one route.  A template whose blank has no value gives none."""

    def __init__(self, config: TagsConfig | None) -> None:
        self._header = None if config is None or config.header is None else BEGINNINGS[config.header.encode()]
        self._templates = () if config is None else tuple(config.templates)
        for number, template in enumerate(self._templates):
            if set("{}") & set(BLANK.sub("", template)):
                raise BadOption("write what is filled in as {name} or {/pointer}", "tags", "templates", number)
        self._looks_inside = any("{/" in template for template in self._templates)

    def of(self, params: Mapping[str, str], pieces: Pieces, body: bytes) -> tuple[str, ...]:
        found = [*self._named(pieces), *self._made(params, body)]
        return tuple(dict.fromkeys(each for each in found if 0 < len(each) <= LONGEST))[:MOST]

    def _named(self, pieces: Pieces) -> Iterator[str]:
        if self._header is not None:
            for value in values_in(pieces, self._header):
                yield from value.decode("latin-1").replace(",", " ").split()

    def _made(self, params: Mapping[str, str], body: bytes) -> Iterator[str]:
        document = _document(body) if self._looks_inside else None

        def value(name: str) -> str | None:
            return as_text(find(document, name)) if name.startswith("/") else params.get(name)

        for template in self._templates:
            if (tag := filled(template, value)) is not None:
                yield tag


def filled(template: str, value: Callable[[str], str | None]) -> str | None:
    """A template with its blanks filled in; None where one has no value."""
    values = {name: value(name) for name in BLANK.findall(template)}
    if not all(values.values()):
        return None
    return BLANK.sub(lambda blank: values[blank[1]] or "", template)


def _document(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
