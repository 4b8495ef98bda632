"""Bodies: the request as it was sent, and the answer for its repeats; kept only sealed, and only so large."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from starlette.datastructures import MutableHeaders as Headers

from gateway.crypto.protocol import Keyring, Unreadable
from gateway.crypto.stored import Bound, Stored
from gateway.errors import CannotSeal
from gateway.ledger.records import Record
from gateway.messages import Response
from gateway.security_codes import held

Pairs: TypeAlias = Sequence[tuple[bytes, bytes]]

MOST = 64 << 10

_HOP = frozenset(
    {
        b"connection",
        b"content-length",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""RFC 9110 §7.6.1; the length is written anew."""

_CREDENTIALS = frozenset({b"authorization", b"cookie", b"proxy-authorization"})
_NOT_ANSWERED = _HOP | {
    b"date",
    b"server-timing",
    b"set-cookie",
    b"traceparent",
    b"traceresponse",
    b"tracestate",
    b"x-request-id",
}
"""They speak of one exchange, or of one client's session, and mean nothing in a repeat."""

_REQUEST, _ANSWER = "ledger request", "ledger answer"


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request as it was sent, without the credentials that came with it."""

    method: str
    target: str
    headers: Pairs
    body: bytes


class HoldsCode(Exception):
    """The message holds a card's security code: it may not be stored, not even sealed.  PCI DSS 4.0.1, 3.3.1.2."""


class Bodies:
    """Seals what is kept with a record, and opens it; None where nothing is kept: no keyring, or too large.

    HoldsCode where it may not be kept.

    What was sealed for one tenant, record and kind opens nowhere else.  ``most`` bounds a body with its headers, in
    bytes.  ``leave_out`` names headers of requests, in small letters, that are not kept, beside credentials.
    """

    def __init__(
        self, keyring: Keyring | None, tenant: str, most: int = MOST, *, leave_out: Collection[bytes] = ()
    ) -> None:
        self._keyring = keyring
        self._bounds = {kind: _bound(tenant, kind) for kind in (_REQUEST, _ANSWER)}
        self._most = most
        self._not_requested = _HOP | _CREDENTIALS | frozenset(leave_out)

    def request(self, id: str, method: str, target: str, headers: Pairs, body: bytes) -> bytes | None:  # noqa: A002
        """CannotSeal where no key may seal any more: nothing was sent yet."""
        return self._seal(
            _REQUEST, id, f"{method} {target}".encode("latin-1"), _kept(headers, self._not_requested), body
        )

    def answer(self, id: str, status: int, headers: Pairs, body: bytes) -> bytes | None:  # noqa: A002
        """None also where no key may seal any more: what became of the payment is recorded all the same."""
        try:
            return self._seal(_ANSWER, id, b"%d" % status, _kept(headers, _NOT_ANSWERED), body)
        except CannotSeal:
            return None

    def open_request(self, record: Record) -> StoredRequest | None:
        """Unreadable where there is one and it cannot be opened: the text says why."""
        opened = self._open(_REQUEST, record.id, record.request)
        if opened is None:
            return None
        start, headers, body = opened
        method, _, target = start.partition(" ")
        return StoredRequest(method, target, headers, body)

    def open_answer(self, record: Record) -> Response | None:
        """Unreadable as above."""
        opened = self._open(_ANSWER, record.id, record.answer)
        if opened is None:
            return None
        start, headers, body = opened
        return Response(int(start), headers=Headers(raw=headers), body=body)

    def _seal(self, kind: str, id: str, start: bytes, headers: Pairs, body: bytes) -> bytes | None:  # noqa: A002
        """Framed as HTTP frames it: lines, an empty one, and the body as it is."""
        if self._keyring is None or len(body) > self._most:
            return None
        message = b"%b\r\n\r\n%b" % (b"\r\n".join((start, *map(b": ".join, headers))), body)
        head = len(message) - len(body)
        if len(message) > self._most or message.count(b"\n", 0, head) != len(headers) + 2:
            return None  # what breaks its line cannot be sent either
        if held(start, headers, body):
            raise HoldsCode
        return self._keyring.seal(kind, message, self._bounds[kind] + id.encode())

    def _open(
        self,
        kind: str,
        id: str,  # noqa: A002
        sealed: bytes | None,
    ) -> tuple[str, list[tuple[bytes, bytes]], bytes] | None:
        """The first line, the header fields and the body."""
        if sealed is None:
            return None
        if self._keyring is None:
            raise Unreadable("it was sealed, and this gateway has no ENCRYPTION_KEY")
        head, _, body = self._keyring.open(kind, sealed, self._bounds[kind] + id.encode()).partition(b"\r\n\r\n")
        start, *lines = head.split(b"\r\n")
        fields = [line.partition(b": ") for line in lines]
        return start.decode("latin-1"), [(name, value) for name, _, value in fields], body


def _bound(tenant: str, kind: str) -> bytes:
    """The length is there so that none can borrow from its neighbour."""
    return b"%d:%b%b:" % (len(tenant.encode()), tenant.encode(), kind.encode())


def _of_record(kind: str, column: str) -> Bound:
    return lambda tenant, row: _bound(tenant, kind) + str(row[column]).encode()


STORED = (
    Stored("payments", "request", _REQUEST, _of_record(_REQUEST, "id")),
    Stored("payments", "answer", _ANSWER, _of_record(_ANSWER, "id")),
    Stored("retries", "request", _REQUEST, _of_record(_REQUEST, "payment"), id="payment"),
)
"""What the ledger stores sealed."""


def _kept(headers: Pairs, left_out: frozenset[bytes]) -> Pairs:
    """Without those, and without what ``Connection`` names (RFC 9110 §7.6.1)."""
    kept = [field for field in headers if field[0] not in left_out]
    if len(kept) == len(headers):
        return kept
    named = b",".join(value for name, value in headers if name == b"connection").lower()
    if not named:
        return kept
    names = set(map(bytes.strip, named.split(b",")))
    return [field for field in kept if field[0] not in names]
