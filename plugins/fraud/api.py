"""``/api/v1/decisions`` and ``/api/v1/fraud``: decisions that are kept, lists, and the door that labels come in by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway import Scope, author_of, body_of, done, json_answer

from .asked import LIMIT, Adding, Labelling, Removing, moment, parameters_of, value_of
from .kept import Decisions
from .labels import Label
from .lists import MOST, Entry

if TYPE_CHECKING:
    from .desk import Desk

SKEW = 300.0
"""Seconds that another clock may be ahead of this one."""

_ID = re.compile(r"[0-9A-Za-z._:+/=-]{1,128}")


class Answers:
    """JSON, and problems by HTTPException, as the admin port shows them."""

    def __init__(self, scope: Scope, kept: Decisions, desk: Desk | None = None) -> None:
        self._scope = scope
        self._kept = kept
        self._desk = cast("Desk", desk)

    async def decisions(self, request: Request) -> Response:
        known = ("payment", "request_id", "limit", "cursor")
        asked = parameters_of(request.query_params.multi_items(), known)
        limit, before = int(asked.pop("limit", LIMIT)), asked.pop("cursor", None)
        found = await done(self._kept.page(limit + 1, before, **asked), _AWAY)
        after = found[limit - 1].id if len(found) > limit else None
        return json_answer({"items": [_shown(each.document, each.at) for each in found[:limit]], "next": after})

    async def decision(self, request: Request) -> Response:
        """By its own id, or that of the payment or the request: then the last of them."""
        id = request.path_params["id"]  # noqa: A001
        found = await done(self._kept.find(id), _AWAY) if _ID.fullmatch(id) else None
        if found is None:
            raise HTTPException(404, "No decision of this id is kept, and none of a payment or request of this id")
        return json_answer(_shown(found.document, found.at))

    async def lists(self, request: Request) -> Response:
        asked = parameters_of(request.query_params.multi_items(), ("list", "kind", "value", "limit", "cursor"))
        if "value" in asked and "kind" not in asked:
            raise HTTPException(400, "value: needs kind: ip, customer or what else it is")
        digests = self._digests(asked["kind"], asked["value"]) if "value" in asked else None
        found = [
            each
            for each in await done(self._desk.lists.all(), _AWAY)
            if asked.get("list") in (None, each.list)
            and asked.get("kind") in (None, each.kind)
            and (digests is None or each.digest in digests)
            and each.id > asked.get("cursor", "")
        ]
        limit = int(asked.get("limit", LIMIT))
        page = found[:limit]
        return json_answer({"items": list(map(_item, page)), "next": page[-1].id if len(found) > limit else None})

    async def add(self, request: Request) -> Response:
        asked = body_of(Adding, await request.body())
        author = author_of(asked.by, request.scope)
        name, kind, [digest, *_] = self._entry(asked)
        entry = Entry(name, kind, digest, author, asked.reason, 0.0, None)
        if not await done(self._desk.lists.put(entry, asked.for_), _AWAY):
            raise HTTPException(409, f"The lists are full: {MOST} entries")
        await self._audited("fraud.list.add", entry, asked.reason)
        return json_answer({"id": entry.id, "list": name, "kind": kind, "by": author, "reason": asked.reason}, 201)

    async def remove(self, request: Request) -> Response:
        asked = body_of(Removing, await request.body())
        author = author_of(asked.by, request.scope)
        name, kind, digests = self._entry(asked)
        removed = []
        for digest in digests:
            if await done(self._desk.lists.remove(name, kind, digest), _AWAY):
                entry = Entry(name, kind, digest, author, asked.reason, 0.0, None)
                await self._audited("fraud.list.remove", entry, asked.reason)
                removed.append(entry.id)
        if not removed:
            raise HTTPException(404, "There is no such entry; it may have ended")
        return json_answer({"removed": removed})

    async def label(self, request: Request) -> Response:
        """What each was: stored, changed or known before; also where a later one cannot be stored."""
        asked = body_of(Labelling, await request.body())
        author, told = author_of(asked.by, request.scope), []
        now = self._scope.clock.now()
        if any(each.at is not None and each.at.timestamp() > now + SKEW for each in asked.labels):
            raise HTTPException(400, "labels: nothing can have been said in the future")
        for each in asked.labels:
            at = now if each.at is None else min(now, each.at.timestamp())
            label = Label(each.payment, each.label == "fraud", each.source, at)
            told.append({"payment": each.payment, "was": await done(self._desk.feedback.label(label, author), _AWAY)})
        return json_answer({"items": told, "next": None})

    def _entry(self, asked: Removing) -> tuple[str, str, list[str]]:
        if asked.id is not None:
            name, kind, digest = asked.id.split(":", 2)
            return name, kind, [digest]
        assert asked.list is not None
        assert asked.kind is not None
        assert asked.value is not None
        return asked.list, asked.kind, self._digests(asked.kind, asked.value)

    def _digests(self, kind: str, value: str) -> list[str]:
        """What a value is called under each salt, the one that is used now first."""
        value, digests = value_of(kind, value), self._desk.digests
        if kind == "card":
            return list(digests.of_card(value)) if value.isdecimal() else [value]
        return list(digests.all(kind, value))

    async def _audited(self, action: str, entry: Entry, reason: str) -> None:
        self._scope.event(action.replace(".", "_"), severity="info", id=entry.id, by=entry.author, reason=reason)
        await done(self._scope.audit(action, subject=entry.id, principal=entry.author, reason=reason), _AWAY)


def _shown(document: dict[str, Any], at: float) -> dict[str, Any]:
    return document | {"at": moment(at)}


def _item(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "list": entry.list,
        "kind": entry.kind,
        "by": entry.author,
        "reason": entry.reason,
        "created_at": moment(entry.created_at),
        "ends_at": moment(entry.ends_at),
    }


_AWAY = "The database or the store is away: look at what is there before you repeat it"
