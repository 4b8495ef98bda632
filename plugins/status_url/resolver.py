"""The resolver ``status_url``."""

from __future__ import annotations

from collections.abc import Mapping

from gateway import Evidence, Record, Resolver, Scope, Unclear, look_up

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
        self._headers = self.config.fields(self.scope)

    async def ask(self, record: Record) -> Evidence | None:
        url = url_of(self.config, record)
        if url is None:
            return None
        config, http = self.config, self.scope.http
        try:
            status, body = await look_up(http, url, self._headers, within=config.timeout, most=config.most)
        except Unclear as error:
            return Evidence(self.name, "unknown", detail=str(error))
        return read(config, record, status, body)
