"""An answer that never comes: the connection is cut instead."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class DroppingProtocol(HttpToolsProtocol):
    """uvicorn's own protocol; it also lends the connection to the application, which may then cut it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: Any = self.scope
        scope["extensions"] = {"transport": self.transport}


class Dropped(Response):
    """Cuts the connection before the first byte of an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"]["transport"].abort()
        while (await receive())["type"] != "http.disconnect":
            pass
