"""The resolver ``status_url``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gateway import Evidence, Record, Resolver, Scope

from .decision import NAME, read, url_of
from .options import StatusUrlConfig


class StatusUrl(Resolver[StatusUrlConfig]):
    """Asks a URL of somebody who knows, such as the backend itself, by our key.

    It follows no redirect, reads no more than `most`, and asks once: what fails is asked again when the payment's turn
    comes.  Whoever holds several payments under one key is believed none of them.
    """

    name = NAME
    Config = StatusUrlConfig

    def __init__(self, config: StatusUrlConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self._headers: Mapping[str, str] = {}

    async def open(self) -> None:
        self._headers = {
            "accept": "application/json",
            "accept-encoding": "identity",  # what grows as it is decoded has no bound
            **self.config.fields(self.scope),
        }

    async def ask(self, record: Record) -> Evidence | None:
        url = url_of(self.config, record)
        if url is None:
            return None
        async with asyncio.timeout(self.config.timeout):
            return await self._ask(url, record)

    async def _ask(self, url: str, record: Record) -> Evidence:
        client = self.scope.http
        async with client.stream("GET", url, headers=self._headers, follow_redirects=False, timeout=None) as answer:
            if answer.headers.get("content-encoding", "identity") != "identity":
                return Evidence(self.name, "unknown", detail="the answer is compressed, though none was asked for")
            body = bytearray()
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > self.config.most:
                    return Evidence(self.name, "unknown", detail=f"the answer is larger than {self.config.most} bytes")
        return read(self.config, record, answer.status_code, bytes(body))
