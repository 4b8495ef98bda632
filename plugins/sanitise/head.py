"""The head of a request: its path, its query, its header fields and cookies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import unquote, unquote_to_bytes

from gateway import Request

from .detection import Kind
from .problems import AmbiguousQuery, BodyTooComplex
from .texts import Reading, Text, pairs

NOT_READ = frozenset({b"authorization", b"proxy-authorization", b"host"})
"""Credentials, which no code reads as text and in whose random letters any rule would in time see something; and the
host, whose form the gateway has judged.  Every other field may reach a log, a template or a query."""

_COOKIE = b"cookie"


class Head:
    """Reads heads.  AmbiguousQuery (400) for a query that is not UTF-8; ``most`` bounds its pairs, and the cookies."""

    def __init__(self, most: int) -> None:
        self._most = most

    def read(self, request: Request) -> Reading:
        path, headers = request.path, request.headers.raw
        named = self._query(request.query) if request.query else []
        texts = [path] if "%" not in path else _path(path)
        for name, field in headers:
            if name == _COOKIE:
                named += self._pairs("cookie", _decoded(field), ";")
            elif name not in NOT_READ:
                texts.append(_decoded(field))
        texts += [each.text for each in named]
        return Reading(texts, lambda: [*_located(path, headers), *named])

    def _query(self, query: str) -> list[Text]:
        if "%" in query:
            try:
                unquote_to_bytes(query).decode()
            except UnicodeDecodeError:
                raise AmbiguousQuery("The query is not UTF-8") from None
        return self._pairs("query", query.replace("+", " "), "&")

    def _pairs(self, place: str, text: str, separator: str) -> list[Text]:
        if text.count(separator) >= self._most:
            raise BodyTooComplex(f"More than {self._most} values are not taken here")
        return list(pairs(place, split(text, separator)))


def split(text: str, separator: str) -> Iterator[tuple[str, str]]:
    """``name=value`` by ``name=value``, percent-decoded."""
    for pair in text.split(separator):
        name, _, given = pair.strip().partition("=")
        yield unquote(name), unquote(given)


def _path(path: str) -> list[str]:
    whole = unquote(path)
    return [whole, *whole.split("/")]


def _decoded(field: bytes) -> str:
    """As UTF-8 where it is that; else as RFC 9110 §5.5 has it, byte by byte."""
    try:
        return field.decode()
    except UnicodeDecodeError:
        return field.decode("latin-1")


def _located(path: str, headers: Sequence[tuple[bytes, bytes]]) -> Iterator[Text]:
    for part in [path] if "%" not in path else _path(path):
        yield Text("path", part, Kind.PATH)
    for name, field in headers:
        if name not in NOT_READ and name != _COOKIE:
            yield Text(f"header:{name.decode('latin-1')}", _decoded(field), Kind.HEADER)
