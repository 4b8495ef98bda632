"""The head of a request: its path, its query, its header fields and cookies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote, unquote_to_bytes

from gateway import Request

from .detection import Kind
from .known import Known
from .problems import AmbiguousQuery, BodyTooComplex
from .texts import Text, pairs

NOT_READ = frozenset({b"authorization", b"proxy-authorization", b"host"})
"""Credentials, which no code reads as text and in whose random letters any rule would in time see something; and the
host, whose form the gateway has judged.  Every other field may reach a log, a template or a query."""

REPEATED = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"cache-control",
        b"content-type",
        b"origin",
        b"priority",
        b"sec-ch-ua",
        b"sec-ch-ua-mobile",
        b"sec-ch-ua-platform",
        b"sec-fetch-dest",
        b"sec-fetch-mode",
        b"sec-fetch-site",
        b"user-agent",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-requested-with",
    }
)
"""Fields that nearly every request has, with a value that came before: what was innocent once is known as such."""

LONGEST_KNOWN = 300

_COOKIE = b"cookie"
_HOPS, _ADDRESSES = b"x-forwarded-for", b"0123456789abcdefABCDEF.:, "

Field: TypeAlias = tuple[bytes, bytes]


class HeadReading(NamedTuple):
    """As ``Reading``.  ``fresh`` are the fields that may be learned, if nothing is found in any text."""

    texts: Sequence[str]
    located: Callable[[], Iterable[Text]]
    fresh: Sequence[Field]


class Head:
    """Reads heads.  AmbiguousQuery (400) for a query that is not UTF-8; ``most`` bounds its pairs, and the cookies.

    Fields that are ``known`` are not read again.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.known: Known[Field] = Known()

    def read(self, request: Request) -> HeadReading:
        path = request.path
        named = self._query(request.query) if request.query else []
        texts = [path] if "%" not in path else _path(path)
        fields, fresh, known = [], [], self.known.innocent
        for field in request.headers.raw:
            name, given = field
            if field in known or name in NOT_READ or (name == _HOPS and not given.translate(None, _ADDRESSES)):
                continue
            if name == _COOKIE:
                named += self._pairs("cookie", _decoded(given), ";")
                continue
            if name in REPEATED and len(given) <= LONGEST_KNOWN:
                fresh.append(field)
            fields.append(field)
            texts.append(_decoded(given))
        texts += [each.text for each in named]
        return HeadReading(texts, lambda: [*_located(path, fields), *named], fresh)

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


def _located(path: str, fields: Iterable[Field]) -> Iterator[Text]:
    for part in [path] if "%" not in path else _path(path):
        yield Text("path", part, Kind.PATH)
    for name, given in fields:
        yield Text(f"header:{name.decode('latin-1')}", _decoded(given), Kind.HEADER)
