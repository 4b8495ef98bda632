"""Answers made of what is kept, and what ``Cache-Status`` says of any (RFC 9211)."""

from __future__ import annotations

from math import floor

from gateway import BEGINNINGS, Pieces, Rejected, Request, Response

from .decision import not_modified
from .entry import Entry
from .fields import pieces_in, value_in, without_content
from .keys import Asked

AGE, STATUS = BEGINNINGS[b"age"], BEGINNINGS[b"cache-status"]
ETAG = BEGINNINGS[b"etag"]
_NONE_MATCH, _MODIFIED_SINCE = BEGINNINGS[b"if-none-match"], BEGINNINGS[b"if-modified-since"]
_OWN = frozenset({_NONE_MATCH, _MODIFIED_SINCE})

NAME = "Payguard"


class NotCached(Rejected):
    """The client wants no other answer than one that is kept (RFC 9111 §5.2.1.7)."""

    status = 504
    code = "not_cached"


def answer(entry: Entry, asked: Asked, now: float, status: bytes | None) -> Response:
    """What is kept, as it is given now; 304 where the client has it already.  The body is not copied."""
    said = own(entry, now, status)
    if asked.conditional and not_modified(
        entry, value_in(asked.pieces, _NONE_MATCH), value_in(asked.pieces, _MODIFIED_SINCE)
    ):
        return Response(304, pieces=without_content(entry.pieces) + said)
    return Response(entry.status, pieces=entry.pieces + said, body=entry.body)


def own(entry: Entry, now: float, status: bytes | None) -> Pieces:
    """What is said anew each time."""
    age = now - entry.born
    said = [AGE, b"%d" % (age if age > 0 else 0)]  # noqa: FURB136 - a third of what max() costs
    return said if status is None else [*said, STATUS, status]


def hit(entry: Entry, now: float) -> bytes:
    """``Cache-Status`` of an answer from here: ``ttl`` is what is left of its freshness, less than 0 where stale."""
    left = entry.lifetime - now + entry.born
    return b"Payguard; hit; ttl=%d" % (left if left > 0 else floor(left))


def forwarded(why: str, *, status: int = 0, stored: bool = False, collapsed: bool = False, detail: str = "") -> bytes:
    """``Cache-Status`` of an answer that the upstream was asked for."""
    said = f"{NAME}; fwd={why}"
    if status:
        said += f"; fwd-status={status}"
    if stored:
        said += "; stored"
    if collapsed:
        said += "; collapsed"
    if detail:
        said += f"; detail={detail}"
    return said.encode()


def tell(response: Response, status: bytes) -> None:
    """Say it on an answer that passes."""
    if response.pieces is not None:
        response.pieces = [*response.pieces, STATUS, status]
    else:
        response.headers.append("cache-status", status.decode())


def validating(request: Request, entry: Entry) -> bool:
    """Let the request ask only whether what is kept has changed; False where nothing is there to ask by."""
    if entry.etag is None and entry.last_modified is None:
        return False
    fields = _unconditional(pieces_in(request))
    if entry.etag is not None:
        fields += (_NONE_MATCH, entry.etag)
    if entry.last_modified is not None:
        fields += (_MODIFIED_SINCE, entry.last_modified)
    put(request, fields)
    return True


def ask_anew(request: Request) -> None:
    """Let it have no condition: what its client has is nothing to whom the answer is for."""
    put(request, _unconditional(pieces_in(request)))


def _unconditional(pieces: Pieces) -> Pieces:
    fields: Pieces = []
    for beginning, value in zip(pieces[::2], pieces[1::2], strict=True):
        if beginning not in _OWN:
            fields += (beginning, value)
    return fields


def put(request: Request, pieces: Pieces) -> None:
    """These fields, in the place of those that it has."""
    if request.pieces is not None:
        request.pieces = pieces
        return
    request.headers.raw[:] = [
        (beginning[2:-2], value) for beginning, value in zip(pieces[::2], pieces[1::2], strict=True)
    ]
