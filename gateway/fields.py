"""Header fields as they go on the wire: in pieces that only need joining."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Sequence
from typing import TypeAlias

RawHeader: TypeAlias = tuple[bytes, bytes]

Pieces: TypeAlias = list[bytes]
"""For each field the beginning of its line with the break before it, ``\\r\\nname: ``, and its value."""

FRAMING = frozenset({b"content-length", b"transfer-encoding"})
"""How long a body is, they say (RFC 9112 §6)."""

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""RFC 9110 §7.6.1, and those that RFC 2616 §13.5.1 named."""

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2

_CR, _LF, _NUL = b"\r\n\0"  # whether a byte is in it costs a tenth of looking for more than one
_MOST, _LONGEST = 1000, 64  # names are the sender's choice


class Beginnings(dict[bytes, bytes]):
    """How the line of a field begins, by its name in lower case."""

    def __missing__(self, name: bytes) -> bytes:
        beginning = b"\r\n%b: " % name
        if len(self) < _MOST and len(name) <= _LONGEST:
            self[name] = beginning
        return beginning


BEGINNINGS = Beginnings()


class Names(dict[bytes, tuple[bytes, bytes | None, bool]]):
    """What is to be done with a field, by its name as sent: a parser asks it for each.

    That is the name in lower case; how its line begins where the field passes on, else None; and whether somebody looks
    at its value.
    """

    def __init__(self, stays: Callable[[bytes], bool], judged: Container[bytes]) -> None:
        super().__init__()
        self._stays = stays
        self._judged = judged

    def __missing__(self, name: bytes) -> tuple[bytes, bytes | None, bool]:
        lower = name.lower()
        known = (lower, None if self._stays(lower) else BEGINNINGS[lower], lower in self._judged)
        if len(self) < _MOST and len(name) <= _LONGEST:
            self[name] = known
        return known


def fields_of(pieces: Pieces) -> list[RawHeader]:
    return [(beginning[2:-2], value) for beginning, value in zip(pieces[::2], pieces[1::2], strict=True)]


class _Made(dict[bytes, bytes | None]):
    """How the line of a field begins that a filter may have made, by its name; None where it would stay on its hop."""

    def __missing__(self, name: bytes) -> bytes | None:
        lower = name.lower()
        if lower == b"transfer-encoding":
            raise ValueError("A filter has set Transfer-Encoding, which as Content-Length is the gateway's")
        if not _TOKEN.fullmatch(name):
            raise ValueError("The name of a header holds a line break or NUL, or what else no name may hold")
        beginning = None if lower in HOP_BY_HOP else BEGINNINGS[lower]
        if len(self) < _MOST and len(name) <= _LONGEST:
            self[name] = beginning
        return beginning


_MADE = _Made()
_LENGTH = BEGINNINGS[b"content-length"]


def pieces_of(fields: Sequence[RawHeader], *, framed: bool = False) -> Pieces:
    """The fields in pieces, whoever made them.  ``framed`` says that how long the body is will be said beside them.

    What is for one hop is left out.  ValueError where a field would break its line or has a name that none has, or two
    say how long the body is: what a filter puts there must not become another field, or another message.
    """
    pieces: Pieces = []
    for name, value in fields:
        if (beginning := _MADE[name]) is not None:
            pieces += (beginning, value)
    if breaks(b"".join(pieces[1::2])):
        raise ValueError("A header holds a line break or NUL")
    if pieces.count(_LENGTH) + framed > 1:
        raise ValueError("A filter has set Content-Length, which is the gateway's")
    return pieces


def without(pieces: Pieces, names: Iterable[bytes]) -> Pieces:
    """But for the fields of these names, in lower case."""
    dropped = {BEGINNINGS[name] for name in names}
    kept: Pieces = []
    for beginning, value in zip(pieces[::2], pieces[1::2], strict=True):
        if beginning not in dropped:
            kept += (beginning, value)
    return kept


def breaks(text: bytes) -> bool:
    """Whether it would break its line."""
    return _CR in text or _LF in text or _NUL in text
