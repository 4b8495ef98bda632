"""``ponder``: a filter that takes its time, as a fraud score does, between a claim and the upstream."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway import Config, Duration, Exchange, Filter, hookimpl


class PonderConfig(Config):
    seconds: Duration = 0.1
    """How long it ponders."""


class Ponder(Filter[PonderConfig]):
    """Leaves time to die in between the commit of a claim and the commit that it is sent."""

    name = "ponder"
    Config = PonderConfig

    async def on_request(self, exchange: Exchange) -> None:
        await asyncio.sleep(self.config.seconds)


@hookimpl
def register_filters() -> list[type[Filter[Any]]]:
    return [Ponder]
