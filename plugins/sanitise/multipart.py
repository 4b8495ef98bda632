"""Forms with files: ``multipart/form-data`` as RFC 7578 has it, and nothing that its readers disagree about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .problems import AmbiguousBody, BodyTooComplex
from .texts import Reading, Text, pairs, reading

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_PARAMETER = r';[ \t]*+(?:{0}="(?P<{0}_quoted>[^"\\\x00-\x1f]*+)"|{0}=(?P<{0}_token>[\w.-]++))[ \t]*+'
_NAME, _FILE = (_PARAMETER.format(word) for word in ("name", "filename"))
_DISPOSITION = re.compile(rf"form-data[ \t]*+{_NAME}(?:{_FILE})?+", re.IGNORECASE | re.ASCII)
_READABLE = re.compile(r"(?:text/.*|application/(?:.*\+)?(?:json|xml)|image/svg\+xml|)", re.IGNORECASE | re.DOTALL)
_CHARSET = re.compile(r"charset\s*+=\s*+(?!\"?(?:utf-8|us-ascii)\b)", re.IGNORECASE)
_HEADERS = frozenset({"content-disposition", "content-type", "content-length"})


def read_multipart(data: bytes, boundary: str, *, most: int, repeated: bool) -> Reading:
    """The names and values of a form, and of its files the names, and what is text.

    400 ``ambiguous_body`` for what is not exactly parts between boundaries: something before, behind or without one,
    other headers of a part than what it is and is called, a name in an extended notation, text that is not UTF-8, a
    name that comes twice where ``repeated`` is False.  413 ``body_too_complex`` for more than ``most`` parts.
    """
    parts = _parts(data, boundary, most)
    found, files = [], []
    for headers, content in parts:
        name, file = _names(headers)
        kind = headers.get("content-type", "")
        if _CHARSET.search(kind):
            raise AmbiguousBody("A part of the form is in another charset than UTF-8")
        if file is None:
            found.append((name, _text(content)))
            continue
        files.append(Text(f"file:{name}", file))
        if _READABLE.fullmatch(kind.partition(";")[0].strip()):
            files.append(Text(f"file:{name}", _text(content)))
    if not repeated and len({name for name, _ in found}) != len(found):
        raise AmbiguousBody("A name comes twice in the form, so it has no one meaning")
    return reading([*pairs("form", found), *files])


def _parts(data: bytes, boundary: str, most: int) -> list[tuple[dict[str, str], bytes]]:
    from python_multipart.exceptions import MultipartParseError  # noqa: PLC0415 - for routes that take forms
    from python_multipart.multipart import MultipartParser  # noqa: PLC0415 - as above

    if not _BOUNDARY.fullmatch(boundary):
        raise AmbiguousBody("The form's boundary is not one")
    mark = b"--" + boundary.encode()
    marks = data.count(mark)
    if marks > most + 1:
        raise BodyTooComplex(f"More than {most} values are not taken here")
    if not data.startswith(mark + b"\r\n") or not data.removesuffix(b"\r\n").endswith(b"\r\n" + mark + b"--"):
        raise AmbiguousBody("The form does not begin and end with its boundary")
    form = _Form()
    try:
        MultipartParser(boundary, form.callbacks).write(data)
    except MultipartParseError:
        raise AmbiguousBody("The body is not a form") from None
    if form.twice or len(form.parts) != marks - 1:  # a boundary stands where only some readers see one
        raise AmbiguousBody("The parts of the form can be read in two ways")
    return [(headers, bytes(content)) for headers, content in form.parts]


class _Form:
    """What the parser tells of a form, gathered."""

    def __init__(self) -> None:
        self.parts: list[tuple[dict[str, str], bytearray]] = []
        self.twice = False
        self._name, self._value = bytearray(), bytearray()
        self.callbacks: MultipartCallbacks = {
            "on_part_begin": lambda: self.parts.append(({}, bytearray())),
            "on_part_data": self._add,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
        }

    def _add(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1][1].extend(memoryview(data)[start:end])

    def _header(self) -> None:
        name = self._name.decode("latin-1").lower()
        headers = self.parts[-1][0]
        self.twice |= name in headers
        headers[name] = _text(bytes(self._value))
        self._name.clear()
        self._value.clear()


def _names(headers: dict[str, str]) -> tuple[str, str | None]:
    """What the part is called, and what its file is, where it is one."""
    found = _DISPOSITION.fullmatch(headers.get("content-disposition", ""))
    if found is None or headers.keys() - _HEADERS:
        raise AmbiguousBody("A part of the form does not say in the plain way what it is and what it is called")
    name = found["name_quoted"] if found["name_token"] is None else found["name_token"]
    file = found["filename_quoted"] if found["filename_token"] is None else found["filename_token"]
    return name, file


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise AmbiguousBody("A text of the form is not UTF-8") from None
