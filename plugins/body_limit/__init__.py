"""Refuse a body that is larger than the route expects."""

from __future__ import annotations

from gateway import BodyTooLarge, Config, Exchange, Filter, Size, hookimpl


class BodyLimitConfig(Config):
    bytes: Size
    """The most that a request's body may have, such as `64KiB`.  A body that does not announce its length (chunked) is
    held in memory up to this size before it is sent on."""


class BodyLimit(Filter[BodyLimitConfig]):
    """413 ``body_too_large``; nothing of a body that is too large reaches the upstream.

    An announced length is judged before a byte is taken, and such a body may go on streaming.  A chunked one tells its
    size only by ending, so it is buffered here, up to the limit; in shadow mode, on a copy without it, it passes.
    """

    name = "body_limit"
    Config = BodyLimitConfig

    async def on_request(self, exchange: Exchange) -> None:
        length = exchange.received.body.length
        if length is None:
            await exchange.request.body.buffer(self.config.bytes)
        elif length > self.config.bytes:
            raise BodyTooLarge(f"The body has {length} bytes; this route takes {self.config.bytes}")


@hookimpl
def register_filters() -> list[type[BodyLimit]]:
    return [BodyLimit]
