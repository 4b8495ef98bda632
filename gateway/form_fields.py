"""Form bodies: ``application/x-www-form-urlencoded`` in bracket notation, read as a document and changed in place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import count
from typing import Any
from urllib.parse import quote_plus, unquote_to_bytes

from gateway.errors import DuplicateKey, Rejected
from gateway.pointer import pointer_to

MEDIA_TYPE = b"application/x-www-form-urlencoded"

DEEPEST = 32
"""Brackets of one name."""

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")


class InvalidForm(Rejected):
    """A form that two backends could read differently."""

    status = 400
    code = "invalid_form"


class Form:
    """``card[number]=4&items[0][x]=1``, of which ``document`` is ``{"card": {"number": "4"}, "items": {"0": …}}``.

    Objects only, and every value a text; ``x[]`` is the next item of ``x``.  InvalidForm (400) where a name is not in
    this notation or not UTF-8, or a field is both a text and an object: what cannot be read cannot be protected.
    """

    def __init__(self, data: bytes) -> None:
        if data.lstrip()[:1] in (b"{", b"["):
            raise InvalidForm("The body says that it is a form, and begins as JSON does")
        self.document: dict[str, Any] = {}
        self._pieces = data.split(b"&")
        self._places: dict[str, int] = {}
        self._repeated: set[str] = set()
        self._next: dict[str, count[int]] = {}
        for place, piece in enumerate(self._pieces):
            if piece:
                self._read(piece, place)

    def once(self, pointer: str) -> None:
        """DuplicateKey where more than one field has this name: backends differ in which of them they take."""
        if pointer in self._repeated:
            raise DuplicateKey(f"The form has {pointer} more than once", pointer=pointer)

    def changed(self, changes: Iterable[tuple[str, str]]) -> bytes:
        """The body with other values, by the pointers to them; every other byte is the one that came."""
        pieces = list(self._pieces)
        for pointer, value in changes:
            place = self._places[pointer]
            name = pieces[place].partition(b"=")[0]
            pieces[place] = name + b"=" + quote_plus(value).encode()
        return b"&".join(pieces)

    def _read(self, piece: bytes, place: int) -> None:
        name, _, value = piece.partition(b"=")
        way = self._way(_text(name))
        parent = self.document
        for token in way[:-1]:
            parent = parent.setdefault(token, {})
            if not isinstance(parent, dict):
                raise InvalidForm("A field of the form is both a text and an object")
        pointer = pointer_to(way)
        if pointer in self._places:
            self._repeated.add(pointer)
        elif way[-1] in parent:
            raise InvalidForm("A field of the form is both a text and an object")
        else:
            parent[way[-1]], self._places[pointer] = _text(value), place

    def _way(self, name: str) -> list[str]:
        if "[" not in name and "]" not in name:
            return [name]
        found = _NAME.fullmatch(name)
        if found is None or name.count("[") > DEEPEST:
            raise InvalidForm("A field of the form has a name that is not written a[b][c]")
        way = [found[1]]
        for token in found[2][1:-1].split("]["):
            way.append(token or str(next(self._next.setdefault(pointer_to(way), count()))))
        return way


def _text(encoded: bytes) -> str:
    try:
        return unquote_to_bytes(encoded.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise InvalidForm("The form is not UTF-8") from None
