"""Messages: a request as received, and requests and responses as they now are."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from starlette.datastructures import MutableHeaders as Headers

from gateway import pointer as pointers
from gateway.body import Body
from gateway.errors import InvalidJson
from gateway.fields import Pieces, fields_of


class Message:
    """What a request and a response share.

    ``json()`` parses once; do not change what it returns, ``edit`` it.  The body is encoded again only after an
    ``edit``; otherwise the bytes that came in are the bytes that go out.  So it is with the header fields: they go out
    in the ``pieces`` in which they came, unless somebody asks for ``headers``; then ``pieces`` is None.
    """

    __slots__ = ("_body", "_document", "_edited", "_headers", "pieces")

    def __init__(self, headers: Headers | None, body: Body | bytes, pieces: Pieces | None) -> None:
        self.pieces = pieces
        self._headers = Headers(raw=[]) if headers is None and pieces is None else headers
        self._body = Body(body) if isinstance(body, bytes) else body
        self._document: Any = pointers.MISSING
        self._edited = False

    @property
    def headers(self) -> Headers:
        if self._headers is None:
            assert self.pieces is not None
            self._headers = Headers(raw=fields_of(self.pieces))
            self.pieces = None
        return self._headers

    @headers.setter
    def headers(self, headers: Headers) -> None:
        self._headers, self.pieces = headers, None

    @property
    def body(self) -> Body:
        if self._edited:
            self._body = Body(orjson.dumps(self._document))
            self._edited = False
        return self._body

    @body.setter
    def body(self, body: Body | bytes) -> None:
        self._body = Body(body) if isinstance(body, bytes) else body
        self._document = pointers.MISSING
        self._edited = False

    def json(self) -> Any:
        """The body as JSON.  InvalidJson (400) where it is none; the filter must declare that it reads the body."""
        if self._document is pointers.MISSING:
            data = self._body.data
            if data is None:
                raise RuntimeError("The body still streams: the filter's `reads` must name it")
            try:
                self._document = orjson.loads(data)
            except orjson.JSONDecodeError as error:
                raise InvalidJson(f"The body is not JSON: {error}") from None
        return self._document

    def edit(self, pointer: str, value: Any) -> None:
        """Put ``value`` where the JSON pointer leads.  KeyError where its parent does not exist."""
        self._document = pointers.replace(self.json(), pointers.parse(pointer), value)
        self._edited = True


class Request(Message):
    """A request as it will be sent on.  ``path`` and ``query`` are as on the wire: never decoded."""

    __slots__ = ("method", "path", "query")

    def __init__(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Headers | None = None,
        body: Body | bytes = b"",
        pieces: Pieces | None = None,
    ) -> None:
        Message.__init__(self, headers, body, pieces)
        self.method = method
        self.path = path
        self.query = query

    def copy(self) -> Request:
        return Request(
            self.method, self.path, query=self.query, headers=self.headers.mutablecopy(), body=self.body.copy()
        )


class Response(Message):
    __slots__ = ("status",)

    def __init__(
        self, status: int, *, headers: Headers | None = None, body: Body | bytes = b"", pieces: Pieces | None = None
    ) -> None:
        Message.__init__(self, headers, body, pieces)
        self.status = status

    def copy(self) -> Response:
        return Response(self.status, headers=self.headers.mutablecopy(), body=self.body.copy())


class Received(NamedTuple):
    """The request as it came in, before any filter: what fingerprints and signatures are taken over.

    ``target`` is the request target byte for byte.  ``client`` is the address of the client, after trusted proxies;
    ``peer`` that of the connection.  ``trusted`` says whether the peer is one of the settings' trusted proxies.
    ``body`` is whole once a filter that reads the request has been reached.
    """

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: Body
    client: str
    peer: str
    scheme: str
    trusted: bool = False
