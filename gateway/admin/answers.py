"""How the admin port answers: JSON, problems as RFC 9457 has them, and nothing that a cache may keep."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.dataplane.problem import TITLES
from gateway.telemetry.masking import Masking

_MASKING = Masking()
_FRESH = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Json(Response):
    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, status_code, headers=_FRESH | dict(headers or {}))

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


class Problem(Json):
    """It may repeat what was asked for; a card's number in that is masked."""

    media_type = "application/problem+json"

    def __init__(
        self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        document = {
            "type": f"urn:payguard:problem:{code}",
            "title": TITLES[status],
            "status": status,
            "code": code,
            "detail": detail,
        }
        super().__init__(_MASKING.document(document | members), status, headers)


def text(content: str, status: int = 200) -> Response:
    return PlainTextResponse(content, status, headers=_FRESH)


def moment(seconds: float | None) -> datetime | None:
    """Seconds since the epoch as JSON tells a time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


async def http_problem(_: Request, error: Exception) -> Response:
    """What Starlette raises: no such path, another method."""
    assert isinstance(error, HTTPException)
    code = TITLES[error.status_code].lower().replace(" ", "_")
    return Problem(error.status_code, code, error.detail, error.headers)


async def internal_problem(_: Request, __: Exception) -> Response:
    """A bug: the server logs it with its traceback, the answer says nothing of the inside."""
    return Problem(500, "internal_error", "The log says more.")


def peer(request: Request) -> str | None:
    """The address that the request comes from."""
    return None if request.client is None else request.client.host
