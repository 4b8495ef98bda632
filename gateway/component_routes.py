"""What the admin routes of components share: bodies that people send, who they are, and how they are answered."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from gateway.errors import DependencyDown

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=BaseModel)


def body_of(kind: type[ModelT], body: bytes, example: str = "") -> ModelT:
    """HTTPException 400 names what is wrong, and repeats no value; of what is no JSON it shows the ``example``."""
    try:
        return kind.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError:
        hint = f": send {example}" if example else ""
        raise HTTPException(400, f"The body is no JSON{hint}") from None
    except ValidationError as invalid:
        error = invalid.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, error["loc"])) or "body"
        raise HTTPException(400, f"{where}: {error['msg'].removeprefix('Value error, ')}") from None


def author_of(by: str | None, scope: Mapping[str, Any]) -> str:
    """Who asks, as the admin port knows them; ``scope`` is the request's."""
    return f"human:{by or 'unnamed'} via {scope['payguard.via']}"


async def done(asked: Awaitable[T], away: str) -> T:
    """What was awaited; HTTPException 503 says ``away`` where a dependency is down."""
    try:
        return await asked
    except DependencyDown as error:
        raise HTTPException(503, away) from error


def json_answer(content: Any, status: int = 200) -> Response:
    """Nothing that a cache may keep."""
    return JSONResponse(content, status, headers={"cache-control": "no-store"})
