"""Texts: what a request says, piece by piece, and where each piece stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from .detection import Kind

PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$@[]:")
"""Of what a name may be made to be shown to a client and in the log as it is."""

LONGEST_NAME = 64
LONGEST_FIELD = 200

_URLS = ("url", "uri", "href", "link", "callback", "webhook", "endpoint", "redirect")
"""How the names of fields end that hold URLs."""

_VALUE, _URL = Kind.VALUE, Kind.URL  # an enumeration's members are found slowly


class Text(NamedTuple):
    """``field`` is where it stands, as policies name it: ``/card/name``, ``query:q``, ``header:user-agent``."""

    field: str
    text: str
    kind: Kind = _VALUE


class Reading(NamedTuple):
    """The texts of one part of a request.

    ``texts`` are for the screen, which is all that a request with nothing in it costs; ``located`` says where each
    stands, and is asked for only where the screen saw something.  ``fresh`` are keys that may be learned, if nothing is
    found in any text.
    """

    texts: Sequence[str]
    located: Callable[[], Iterable[Text]]
    fresh: Sequence[str] = ()


def reading(texts: Sequence[Text]) -> Reading:
    """Of what was found with its places at once."""
    return Reading([each.text for each in texts], lambda: texts)


def value(field: str, name: str, text: str) -> Text:
    """A text in the field of that name, which may say that it is a URL."""
    return Text(field, text, _URL if name.lower().endswith(_URLS) else _VALUE)


def shown(field: str) -> str:
    """``field`` as it may be shown: a name that could itself be the attack is a ``*``."""
    place, colon, rest = field.partition(":")
    if not colon or not place.isalpha():
        place, rest = "", field
    names = rest.split("/")
    written = "/".join(name if PLAIN.issuperset(name) and len(name) <= LONGEST_NAME else "*" for name in names)
    return (f"{place}:{written}" if place else written)[:LONGEST_FIELD]


def pairs(place: str, found: Iterable[tuple[str, str]]) -> Iterator[Text]:
    """Names and values, such as those of a query; the values of one name also joined, as some servers hand them on."""
    together: dict[str, list[str]] = {}
    for name, text in found:
        field = f"{place}:{name}"
        if name:
            yield Text(field, name, Kind.KEY)
        if text:
            yield value(field, name, text)
        together.setdefault(name, []).append(text)
    for name, texts in together.items():
        if len(texts) > 1:
            yield Text(f"{place}:{name}", ",".join(texts))
