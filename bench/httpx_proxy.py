"""The proxy one writes in an afternoon: raw ASGI under uvicorn, and a default ``httpx.AsyncClient`` behind it."""

import os

import httpx
from starlette.types import Receive, Scope, Send

_HOP_BY_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade"}
_origin = os.environ["BENCH_ORIGIN"]
_client = httpx.AsyncClient()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    request = _client.build_request(
        scope["method"],
        _origin + target.decode("ascii"),
        headers=[header for header in scope["headers"] if header[0] not in _HOP_BY_HOP],
        content=await _body(receive),
    )
    response = await _client.send(request, stream=True)
    headers = [(name.lower(), value) for name, value in response.headers.raw if name.lower() not in _HOP_BY_HOP]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    async for piece in response.aiter_raw():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


async def _body(receive: Receive) -> bytes:
    pieces = []
    more = True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces)
