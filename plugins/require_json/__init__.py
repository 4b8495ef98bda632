"""Refuse a body that does not say that it is JSON, or is none."""

from __future__ import annotations

import re

from gateway import Config, Exchange, Filter, Headers, Reads, Rejected, hookimpl

_JSON = re.compile(r'application/(?:[\w!#$&^.+-]+\+)?json(?:\s*;\s*charset="?utf-8"?)?\s*', re.IGNORECASE | re.ASCII)


class UnsupportedMediaType(Rejected):
    status = 415
    code = "unsupported_media_type"


class RequireJsonConfig(Config):
    methods: tuple[str, ...] = ("POST", "PUT", "PATCH", "DELETE")
    """The methods whose bodies must be JSON.  A request without a body is passed on."""


class RequireJson(Filter[RequireJsonConfig]):
    """415 ``unsupported_media_type`` for another media type, charset or coding; 400 ``invalid_json`` for no JSON."""

    name = "require_json"
    Config = RequireJsonConfig
    reads = Reads.REQUEST

    async def on_request(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.method not in self.config.methods or not request.body.data:
            return
        if not says_json(request.headers):
            raise UnsupportedMediaType("Send application/json, in UTF-8 and without a content coding")
        request.json()


def says_json(headers: Headers) -> bool:
    """One media type, JSON or a ``+json`` one: two readers of the same bytes must not see two formats."""
    types, codings = headers.getlist("content-type"), headers.getlist("content-encoding")
    return len(types) == 1 and bool(_JSON.fullmatch(types[0])) and codings in ([], ["identity"])


@hookimpl
def register_filters() -> list[type[RequireJson]]:
    return [RequireJson]
