"""The body of a request: what its Content-Type says that it is, it must be, and as that it is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from gateway import InvalidJson, Request

from .coding import unfold
from .forms import read_form
from .json_body import read_json
from .known import Known
from .multipart import read_multipart
from .options import BodyKind, Bounds
from .problems import AmbiguousBody, BodyNotTaken, ContentTypeMismatch
from .texts import Reading, Text, reading
from .xml_body import read_xml

# possessive throughout: what a client writes must not be read over and over
_TOKEN = r"[\w!#$%&'*+.^`|~-]++"
_GIVEN = rf"{_TOKEN}=(?:{_TOKEN}|\"[^\"\\]*+\")"
_TYPE = re.compile(rf"({_TOKEN}/{_TOKEN})((?:[ \t]*+;(?:[ \t]*+{_GIVEN})?+)*+)[ \t]*+", re.ASCII)
_PARAMETER = re.compile(rf";[ \t]*({_TOKEN})=(?:\"([^\"]*)\"|({_TOKEN}))", re.ASCII)
_CHARSETS = frozenset({"utf-8", "us-ascii"})
_NOTHING = Reading((), tuple)


class MediaType(NamedTuple):
    kind: BodyKind
    boundary: str


class Content(NamedTuple):
    """What is in a body.  ``document`` is what JSON parses to; ``coded`` says that it came in a content coding."""

    reading: Reading = _NOTHING
    document: Any = None
    json: bool = False
    coded: bool = False


EMPTY = Content()


class Bodies:
    """Reads bodies of the kinds that are ``taken``, within ``bounds``; refuses others, and what has two meanings.

    Of keys that are ``known``, the screen is told nothing.
    """

    def __init__(self, taken: Sequence[BodyKind], bounds: Bounds, *, repeated: bool, any_case: bool) -> None:
        self._taken = taken
        self._bounds = bounds
        self._repeated = repeated
        self._any_case = any_case
        self.known: Known[str] = Known()

    def read(self, request: Request) -> Content:
        data = request.body.data
        if not data:
            return EMPTY
        headers = request.headers
        types = headers.getlist("content-type")
        if len(types) != 1:
            raise ContentTypeMismatch("A body comes with one Content-Type")
        media = media_type(types[0])
        if media.kind not in self._taken:
            raise BodyNotTaken(f"This route takes {', '.join(self._taken)}")
        codings = headers.getlist("content-encoding")
        coded = bool(codings) and codings != ["identity"]
        if coded:
            data = unfold(data, ",".join(codings), most=self._bounds.unfolded, ratio=self._bounds.ratio)
        if media.kind == "json":
            document = _parsed(data) if coded else request.json()
            bounds, known = self._bounds, self.known.innocent
            found = read_json(
                data, document, depth=bounds.depth, most=bounds.values, known=known, any_case=self._any_case
            )
            return Content(found, document, json=True, coded=coded)
        return Content(self._other(media, data), coded=coded)

    def _other(self, media: MediaType, data: bytes) -> Reading:
        """Whoever does not look at the Content-Type would read JSON where the gateway read something else."""
        if is_json(data):
            raise ContentTypeMismatch("The body is JSON, and its Content-Type says something else")
        most = self._bounds.values
        match media.kind:
            case "form":
                return read_form(data, most=most, repeated=self._repeated)
            case "multipart":
                return read_multipart(data, media.boundary, most=most, repeated=self._repeated)
            case "xml":
                return read_xml(data, depth=self._bounds.depth, most=most)
        return _plain(data, must=media.kind == "text")


@lru_cache(maxsize=256)
def media_type(value: str) -> MediaType:
    """What a Content-Type says.  ContentTypeMismatch for what is none, BodyNotTaken for another charset than UTF-8."""
    found = _TYPE.fullmatch(value.strip())
    if found is None:
        raise ContentTypeMismatch("The Content-Type is not one")
    parameters = [(name.lower(), quoted or token) for name, quoted, token in _PARAMETER.findall(found[2])]
    named = dict(parameters)
    if len(named) != len(parameters):
        raise ContentTypeMismatch("The Content-Type says something twice")
    if named.get("charset", "utf-8").lower() not in _CHARSETS:
        raise BodyNotTaken("Bodies are taken in UTF-8")
    return MediaType(_kind(found[1].lower()), named.get("boundary", ""))


def _kind(media: str) -> BodyKind:
    if media in {"application/json", "text/json"} or media.endswith("+json"):
        return "json"
    if media == "application/x-www-form-urlencoded":
        return "form"
    if media.startswith("multipart/"):
        return "multipart"
    if media in {"application/xml", "text/xml"} or media.endswith("+xml"):
        return "xml"
    return "text" if media.startswith("text/") else "other"


def is_json(data: bytes) -> bool:
    """Whether it is an object or an array: numbers and words are JSON as well, and mean nothing by it."""
    if data.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] not in {b"{", b"["}:
        return False
    try:
        orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return False
    return True


def _parsed(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidJson(f"The body is not JSON: {error}") from None


def _plain(data: bytes, *, must: bool) -> Reading:
    """Text as it is; where it need not be text, and is none, nobody reads it as text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        if must:
            raise AmbiguousBody("The text is not UTF-8") from None
        return _NOTHING
    return reading([Text("body", text)])
