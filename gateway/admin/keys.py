"""/api/v1/keys: what keys and salts there are, what needs them, and sealing anew what is stored."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.admin.answers import Json, Problem, moment
from gateway.admin.parameters import BadParameter, by_of
from gateway.admin.payments import Endpoint
from gateway.control.key_watch import KEY
from gateway.control.reencryption import Walk
from gateway.crypto.key_report import KeyState, report
from gateway.database.protocol import DatabaseDown

if TYPE_CHECKING:
    from gateway.admin.state import AdminState, Keys

BOUND = 1 << 32


def routes(state: AdminState) -> list[BaseRoute]:
    if state.keys is None:
        return []
    return [
        Route("/api/v1/keys", _known(_Api(state, state.keys).show), methods=["GET"]),
        Route("/api/v1/keys/reencrypt", _known(_Api(state, state.keys).reencrypt), methods=["POST"]),
        Route("/api/v1/keys/{id}/retire", _known(_Api(state, state.keys).retire), methods=["POST"]),
    ]


def _known(answer: Endpoint) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except BadParameter as error:
            return Problem(400, "invalid_parameter", str(error), parameter=error.name)
        except DatabaseDown:
            return Problem(503, DatabaseDown.code, "The database cannot be asked; /healthz says more.")

    return endpoint


class _Api:
    def __init__(self, state: AdminState, keys: Keys) -> None:
        self._state = state
        self._keys = keys

    async def show(self, request: Request) -> Response:
        """``count=true`` counts what is stored, which takes a while where that is much."""
        watch = self._keys.watch
        counted = request.query_params.get("count") == "true"
        found = await report(watch.known, watch.present(), watch.references if counted else None)
        return Json(
            {
                "items": [_item(each) for each in found],
                "bound": BOUND,
                "by_plugin": KEY in watch.present() and watch.local is None,
                "files": {file.kind: str(file.path) for file in self._keys.files.files},
                "rejected": watch.rejected,
                "reencryption": _walk(await self._keys.reencryption.last()),
            }
        )

    async def reencrypt(self, request: Request) -> Response:
        by = self._by(await request.body(), request)
        if KEY not in self._keys.watch.present():
            return Problem(409, "no_key", "This gateway has no ENCRYPTION_KEY to encrypt with.")
        began = await self._keys.reencryption.ask(by)
        if began:
            self._state.tell("reencryption_asked", by=by)
        return Json({"began": began, "reencryption": _walk(await self._keys.reencryption.last())}, 202)

    async def retire(self, request: Request) -> Response:
        """Whether it may be taken away; one that is away already is retired from now on."""
        watch, key = self._keys.watch, request.path_params["id"]
        by = self._by(await request.body(), request)
        if watch.references is None:
            return Problem(409, "keys_of_plugin", "This gateway's keys are a plugin's: they are retired there.")
        found = await report(watch.known, watch.present(), watch.references)
        known = {each.id: each for each in found if each.setting == KEY}
        if key not in known:
            return Problem(404, "key_not_found", f"No key has the id {key!r}.")
        if known[key].use == "first":
            return Problem(409, "key_in_use", f"The key {key} is the one that encrypts: put a new one before it first.")
        if stored := known[key].stored:
            number = sum(stored.values())
            what = f"{number} stored values need the key {key}: payguard keys reencrypt frees them."
            return Problem(409, "key_needed", what, stored=stored)
        if known[key].use == "missing" and await watch.known.retire(KEY, key):
            await self._state.audit.add("key.retire", subject=key, principal=by)
        file = next((str(file.path) for file in self._keys.files.files if file.kind == KEY), None)
        return Json({"id": key, "present": known[key].use == "kept", "file": file})

    def _by(self, body: bytes, request: Request) -> str:
        return f"human:{by_of(body) or 'unnamed'} via {request.scope['payguard.via']}"


def _item(each: KeyState) -> dict[str, Any]:
    return asdict(each) | {"since": None if each.since is None else moment(each.since)}


def _walk(walk: Walk | None) -> dict[str, Any] | None:
    if walk is None:
        return None
    times = {name: moment(at) for name, at in (("asked_at", walk.asked_at), ("done_at", walk.done_at))}
    return {"asked_by": walk.asked_by, "moved": walk.moved, "unreadable": walk.unreadable, **times}
