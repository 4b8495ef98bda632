"""Card data in messages: which fields of a document or a form hold a card's number or security code."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Literal, NamedTuple

from gateway.cards import holds
from gateway.pointer import escaped
from gateway.security_codes import is_plain_code, names_code
from gateway.spellings import readings

Kind = Literal["card", "security_code"]

_LONGEST_NAME = 60
_DEEPEST = 64
_LEAST = 10**12
_ZEROS = bytes(48 if 48 <= byte < 58 else byte for byte in bytes(range(256)).lower())
_APART = b" +-._\t\r\n"
_MARKS = (b"0" * 13, b"cvc", b"cvv", b"code", b"verification", b"cid", b"csc", b"cvn", b"cvd", b"\\", b"%")


class Found(NamedTuple):
    """``way`` are the tokens that lead there; ``name`` the pointer to it, with ``*`` for items and odd members."""

    way: tuple[str, ...]
    name: str
    kind: Kind


def suspected(data: bytes) -> bool:
    """Whether a body may hold any; False is certain."""
    folded = data.translate(_ZEROS, _APART)
    return any(folded.find(mark) >= 0 for mark in _MARKS) or not data.isascii()


def kind_of(name: str, value: Any, spared: Collection[str] = ()) -> Kind | None:
    """What a field of this name holds; ``spared`` are names, folded, whose numbers are never a card's."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if names_code(name) and is_plain_code(value):
        return "security_code"
    if folded(name) in spared or (isinstance(value, int) and value < _LEAST):
        return None
    return "card" if is_card(str(value)) else None


def is_card(text: str) -> bool:
    """Whether it holds a card's number, however that is spelled."""
    return holds(text) or any(map(holds, readings(text)))


def card_fields(document: Any, spared: Collection[str] = ()) -> Iterator[Found]:
    """Of JSON-like data; what lies deeper than 64 levels is not looked at."""
    yield from _walk(document, (), "", "", spared)


def shown(name: str) -> str:
    """A name as reports have it: one that is long, or whose digits may be a card's, has none."""
    return "*" if len(name) > _LONGEST_NAME or not name.isprintable() or is_card(name) else name


def folded(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _walk(value: Any, way: tuple[str, ...], pointer: str, name: str, spared: Collection[str]) -> Iterator[Found]:
    if len(way) > _DEEPEST:
        return
    match value:
        case dict():
            for key, each in value.items():
                if is_card(key):
                    yield Found((*way, key), f"{pointer}/*", "card")
                yield from _walk(each, (*way, key), f"{pointer}/{escaped(shown(key))}", key, spared)
        case list():
            for number, each in enumerate(value):
                yield from _walk(each, (*way, str(number)), f"{pointer}/*", name, spared)
        case _:
            if (kind := kind_of(name, value, spared)) is not None:
                yield Found(way, pointer, kind)
