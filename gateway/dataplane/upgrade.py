"""An upgrade that is ignored: the request is read on as though it had not asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import httptools


class Callbacks(Protocol):
    """What httptools calls."""

    def on_message_begin(self) -> None: ...
    def on_url(self, url: bytes) -> None: ...
    def on_header(self, name: bytes, value: bytes) -> None: ...
    def on_headers_complete(self) -> None: ...
    def on_body(self, body: bytes) -> None: ...
    def on_message_complete(self) -> None: ...


class _BehindHead:
    """Passes on what comes after the first head."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._behind = False
        self.on_body = callbacks.on_body
        self.on_message_complete = callbacks.on_message_complete

    def on_message_begin(self) -> None:
        if self._behind:
            self._callbacks.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if self._behind:
            self._callbacks.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._behind:
            self._callbacks.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._behind:
            self._callbacks.on_headers_complete()
        self._behind = True


def read_on(callbacks: Callbacks, headers: Sequence[tuple[bytes, bytes]]) -> httptools.HttpRequestParser:
    """A parser for what follows a head with these headers, names in lower case: its body, then other requests.

    httptools stops at a head that asks for an upgrade, and would read its body as the next request.
    """
    framing = [field for field in headers if field[0] in {b"content-length", b"transfer-encoding"}]
    parser = httptools.HttpRequestParser(_BehindHead(callbacks))
    parser.feed_data(b"POST / HTTP/1.1\r\n" + b"".join(b"%b: %b\r\n" % field for field in framing) + b"\r\n")
    return parser
