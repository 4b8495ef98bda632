"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

from http import HTTPStatus

import orjson
from starlette.datastructures import MutableHeaders as Headers

from gateway.dataplane.headers import head
from gateway.errors import GatewayError
from gateway.messages import Response

TITLES = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
"""As RFC 9110 §15 names them, which Python does from 3.13 on."""

STATUS_LINES = {status: f"HTTP/1.1 {status} {title}\r\n".encode() for status, title in TITLES.items()}


def document(error: GatewayError, request_id: str) -> bytes:
    """The problem as JSON: what the client may know, and nothing of the inside."""
    problem = {
        "type": f"urn:payguard:problem:{error.code}",
        "title": TITLES.get(error.status, "Error"),
        "status": error.status,
        "code": error.code,
        "request_id": request_id,
    }
    if error.detail:
        problem["detail"] = error.detail
    return orjson.dumps(problem | error.members)


def render(error: GatewayError, request_id: str) -> Response:
    headers = Headers({"content-type": "application/problem+json", "cache-control": "no-store"} | error.headers)
    return Response(error.status, headers=headers, body=document(error, request_id))


def last_words(error: GatewayError, request_id: str) -> bytes:
    """The whole answer as it is written, on a connection that closes after it."""
    response = render(error, request_id)
    body = response.body.data or b""
    length, identifier = (b"content-length", b"%d" % len(body)), (b"x-request-id", request_id.encode())
    written = head(STATUS_LINES[error.status], [*response.headers.raw, length, identifier])
    return written[:-2] + b"connection: close\r\n\r\n" + body
