"""``/api/v1/blocks``: what people see of the block list, put on it, and take off it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway import Duration, PersonName, Reason, Scope, author_of, body_of, done, json_answer

from .options import PER
from .subjects import CARD_PURPOSE, digests, network_of

if TYPE_CHECKING:
    from .blocks import Block, Blocks

LIMIT, MOST = 50, 500
LONGEST = 10 * 366 * 86400.0

PARAMETERS = ("kind", "value", "limit", "cursor")

_ID = r"^[a-z]+(:[^:{}\s]+)?:[^:{}\s]+:[0-9a-f]{32}$"


class Asked(BaseModel):
    """Whom it is about: a kind and a value, or the id of a block."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=_ID)] | None = None
    kind: Annotated[str, Field(pattern=PER)] | None = None
    value: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    reason: Reason
    by: PersonName | None = None

    @model_validator(mode="after")
    def _whom(self) -> Self:
        if (self.id is None) == (self.kind is None or self.value is None):
            raise ValueError("say id, or kind and value")
        return self


class Adding(Asked):
    for_: Annotated[Duration, Field(alias="for", gt=0, le=LONGEST)]


class Answers:
    """JSON, and problems by HTTPException, as the admin port shows them."""

    def __init__(self, blocks: Blocks, scope: Scope) -> None:
        self._blocks = blocks
        self._scope = scope

    async def show(self, request: Request) -> Response:
        asked = _parameters(request)
        ids = None if "value" not in asked else self.ids_of(asked["kind"], asked["value"])
        found = [block for block in await self._blocks.all() if _matches(block, asked.get("kind"), ids)]
        after = [block for block in found if block.id > asked.get("cursor", "")]
        limit = int(asked.get("limit", LIMIT))
        page, more = after[:limit], len(after) > limit
        return json_answer({"items": [_item(block) for block in page], "next": page[-1].id if more else None})

    async def add(self, request: Request) -> Response:
        asked = body_of(Adding, await request.body(), _EXAMPLE)
        [id, *_] = self._ids(asked)  # noqa: A001
        author = author_of(asked.by, request.scope)
        await done(self._blocks.add(id, author, asked.reason, asked.for_), _AWAY)
        self._scope.event("block_added", severity="info", id=id, by=author, reason=asked.reason, seconds=asked.for_)
        self._entered(request, "block.add", id, author, reason=asked.reason, seconds=round(asked.for_))
        found = next((block for block in await self._blocks.all() if block.id == id), None)
        return json_answer({"id": id, "by": author, "reason": asked.reason} if found is None else _item(found), 201)

    async def remove(self, request: Request) -> Response:
        asked = body_of(Asked, await request.body(), _EXAMPLE)
        author = author_of(asked.by, request.scope)
        removed = [id for id in self._ids(asked) if await done(self._blocks.remove(id), _AWAY)]  # noqa: A001
        if not removed:
            raise HTTPException(404, "There is no such block; it may have ended")
        for each in removed:
            self._scope.event("block_removed", severity="info", id=each, by=author, reason=asked.reason)
            self._entered(request, "block.remove", each, author, reason=asked.reason)
        return json_answer({"removed": removed})

    def _entered(self, request: Request, action: str, id: str, author: str, **detail: Any) -> None:  # noqa: A002
        peer = None if request.client is None else request.client.host
        self._scope.audit(action, subject=id, principal=author, ip=peer, **detail)

    def _ids(self, asked: Asked) -> list[str]:
        if asked.id is not None:
            return [asked.id]
        assert asked.kind is not None
        assert asked.value is not None
        return self.ids_of(asked.kind, asked.value)

    def ids_of(self, kind: str, value: str) -> list[str]:
        """What a value is called in the store, with each salt that is known."""
        match kind:
            case "ip":
                value = network_of(value)
            case "email":
                value = value.strip().lower()
            case "card" if (digits := re.sub(r"[ -]", "", value)).isdecimal():
                value = self._scope.hash(CARD_PURPOSE, digits)
        return digests(self._scope, kind, value)


def _matches(block: Block, kind: str | None, ids: list[str] | None) -> bool:
    return block.id in ids if ids is not None else kind is None or block.item["kind"] == kind


def _item(block: Block) -> dict[str, Any]:
    item = block.item
    for name in ("ends_at", "created_at"):
        item[name] = None if item[name] is None else datetime.fromtimestamp(item[name], UTC).isoformat()
    return item


def _parameters(request: Request) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in PARAMETERS or name in given:
            raise HTTPException(400, f"{name}: {'give it once' if name in given else 'there is no such parameter'}")
        given[name] = value
    if "value" in given and "kind" not in given:
        raise HTTPException(400, "value: needs kind: ip, user or what else it is")
    if not re.fullmatch(r"\d{1,3}", given.get("limit", "1")) or not 1 <= int(given.get("limit", "1")) <= MOST:
        raise HTTPException(400, f"limit: say 1 to {MOST}")
    return given


_AWAY = "The store or the database is away: look at the block before you repeat it"
_EXAMPLE = '{"kind": "ip", "value": "…", "reason": "…"}'
