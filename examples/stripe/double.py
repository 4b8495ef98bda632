"""The double: an ASGI application with Stripe's manners in front of localstripe.

``POST /_double/faults`` adds a fault, ``DELETE`` clears them, ``GET /_double/healthz`` says that both are up, and
``GET /_double/cards`` which card numbers came.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from examples.stripe.dropping import Dropped
from examples.stripe.faults import Fault, Faults
from examples.stripe.idempotency import Answer, Keys
from examples.stripe.processor import Call, Processor

ANY_METHOD = ["GET", "POST", "PUT", "DELETE"]


class Double:
    """Answers one call after the other's rules: faults first, then the key, then the processor."""

    def __init__(self, localstripe: httpx.AsyncClient) -> None:
        self._localstripe = localstripe
        self._processor = Processor(localstripe)
        self._keys = Keys()
        self._faults = Faults()

    async def api(self, request: Request) -> Response:
        call = Call(
            request.method,
            request.url.path,
            request.url.query,
            request.headers.get("authorization", ""),
            await request.body(),
        )
        fault = self._faults.take(call.method, call.path)
        if not fault.commit and (fault.drop or fault.status):
            return await self._refused(fault)
        answer = await self._once(call, request.headers.get("idempotency-key"), fault)
        return Dropped() if fault.drop else _response(answer)

    async def _refused(self, fault: Fault) -> Response:
        await asyncio.sleep(fault.delay)
        return Dropped() if fault.drop else _response(fault.answer())

    async def _once(self, call: Call, key: str | None, fault: Fault) -> Answer:
        async def execute() -> Answer:
            await asyncio.sleep(fault.delay)
            answer = await self._processor.execute(call)
            return fault.answer() if fault.status else answer

        if key is None or call.method != "POST":
            return await execute()
        fingerprint = b"\0".join([call.path.encode(), call.authorization.encode(), call.body])
        return await self._keys.once(key, fingerprint, execute)

    async def config(self, request: Request) -> Response:
        """The control routes of localstripe: where to send webhooks, and forgetting everything."""
        response = await self._localstripe.request(
            request.method, request.url.path, content=await request.body(), headers={"Content-Type": "application/json"}
        )
        return Response(response.content, response.status_code)

    async def faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.clear()
            return Response(status_code=204)
        try:
            self._faults.add(Fault.model_validate_json(await request.body()))
        except ValidationError as error:
            return Response(error.json(include_url=False), 422, media_type="application/json")
        return Response(status_code=204)

    async def cards(self, _request: Request) -> Response:
        return JSONResponse({"numbers": list(self._processor.cards)})

    async def healthz(self, _request: Request) -> Response:
        await self._localstripe.get("/v1/balance", headers={"Authorization": "Bearer sk_health"})
        return JSONResponse({"status": "ok"})


def _response(answer: Answer) -> Response:
    headers = {"Request-Id": f"req_{secrets.token_hex(7)}", **answer.headers}
    return JSONResponse(answer.document, answer.status, headers=headers)


def create_double(localstripe_url: str) -> Starlette:
    client = httpx.AsyncClient(base_url=localstripe_url, timeout=10)
    double = Double(client)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/_double/faults", double.faults, methods=["POST", "DELETE"]),
            Route("/_double/healthz", double.healthz),
            Route("/_double/cards", double.cards),
            Route("/_config/{rest:path}", double.config, methods=ANY_METHOD),
            Route("/{rest:path}", double.api, methods=ANY_METHOD),
        ],
    )
