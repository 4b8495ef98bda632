"""Header fields as a cache asks for them: by name, all of one name together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from gateway import BEGINNINGS, HOP_BY_HOP, Pieces, Request, Response

Fields: TypeAlias = Mapping[bytes, Sequence[bytes]]
"""By names in lower case, the values as they came."""

NOT_KEPT = frozenset({*HOP_BY_HOP, b"age", b"content-length", b"x-request-id", b"cache-status"})
"""What is said anew each time an answer is given."""

NOT_UPDATED = frozenset({*NOT_KEPT, b"content-encoding", b"content-md5", b"content-range", b"etag"})
"""What tells of the body that is kept, which a 304 does not bring (RFC 9111 §3.2)."""

OF_CONTENT = frozenset({b"content-encoding", b"content-language", b"content-range", b"content-type"})
"""What a 304 need not repeat (RFC 9110 §15.4.5)."""


def pieces_in(message: Request | Response) -> Pieces:
    """Its fields in pieces, also where a filter has looked at them."""
    if message.pieces is not None:
        return message.pieces
    return [piece for name, value in message.headers.raw for piece in (BEGINNINGS[name.lower()], value)]


def grouped(pieces: Pieces) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for beginning, value in zip(pieces[::2], pieces[1::2], strict=True):
        found.setdefault(beginning[2:-2], []).append(value)
    return found


def value_in(pieces: Pieces, beginning: bytes) -> bytes | None:
    """The first value of the field whose line begins so."""
    return pieces[pieces.index(beginning) + 1] if beginning in pieces else None


def values_in(pieces: Pieces, beginning: bytes) -> list[bytes]:
    if beginning not in pieces:
        return []
    return [pieces[at + 1] for at in range(0, len(pieces), 2) if pieces[at] == beginning]


def kept(pieces: Pieces) -> Pieces:
    """What of an answer's fields is kept."""
    result: Pieces = []
    for beginning, value in zip(pieces[::2], pieces[1::2], strict=True):
        if beginning[2:-2] not in NOT_KEPT:
            result += (beginning, value)
    return result


def updated(old: Pieces, new: Pieces) -> Pieces:
    """What was kept, with what a 304 says in its place."""
    said = {each for each in new[::2] if each[2:-2] not in NOT_UPDATED}
    result: Pieces = []
    for pieces, which in ((old, False), (new, True)):
        for beginning, value in zip(pieces[::2], pieces[1::2], strict=True):
            if (beginning in said) is which:
                result += (beginning, value)
    return result


def without_content(pieces: Pieces) -> Pieces:
    result: Pieces = []
    for beginning, value in zip(pieces[::2], pieces[1::2], strict=True):
        if beginning[2:-2] not in OF_CONTENT:
            result += (beginning, value)
    return result


def selecting(pieces: Pieces, vary: Sequence[bytes]) -> tuple[bytes | None, ...]:
    """What a request says in the fields by which variants are told apart; None where it says nothing."""
    return tuple(_normal(values_in(pieces, BEGINNINGS[name])) for name in vary)


def _normal(values: Sequence[bytes]) -> bytes | None:
    """As one value, spaces around its commas alike (RFC 9111 §4.1)."""
    if not values:
        return None
    return b",".join(each.strip() for value in values for each in value.split(b","))
