"""``/api/v1/vault``: how much the vault holds, and that it forgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway import DependencyDown, PersonName, Reason, Scope

from .tokens import digest, is_vault_token

if TYPE_CHECKING:
    from .vault import Vault


class Asked(BaseModel):
    """What is to be forgotten, by whom, and why."""

    model_config = ConfigDict(extra="forbid", strict=True)

    token: Annotated[str, Field(max_length=64)] | None = None
    customer: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    reason: Reason
    by: PersonName | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.token is None) == (self.customer is None):
            raise ValueError("say token, or customer")
        if self.token is not None and not is_vault_token(self.token):
            raise ValueError("that is no token of a vault: one begins with tok_")
        return self


class Answers:
    """JSON, and problems by HTTPException, as the admin port shows them."""

    def __init__(self, vault: Vault, scope: Scope) -> None:
        self._vault = vault
        self._scope = scope

    async def status(self, _request: Request) -> Response:
        counts = await _done(self._vault.counts())
        return _json(
            {
                "tenant": self._scope.tenant,
                "entries": sum(entries for _, entries, _ in counts),
                "expired": sum(expired for _, _, expired in counts),
                "keys": {key: entries for key, entries, _ in counts},
                "since_start": dict(self._vault.counted),
            }
        )

    async def forget(self, request: Request) -> Response:
        """It is on the audit trail before it is done, and again with what became of it."""
        asked = _asked(await request.body())
        by = f"human:{asked.by or 'unnamed'} via {request.scope['payguard.via']}"
        subject = digest(asked.token) if asked.token is not None else self._vault.customers(asked.customer or "")[0]
        await _done(self._audit(subject, "begun", by, asked.reason, 0))
        forget = self._vault.forget(asked.token) if asked.token else self._vault.forget_customer(asked.customer or "")
        count = await _done(forget)
        await _done(self._audit(subject, "done" if count else "absent", by, asked.reason, count))
        self._scope.event("vault_forgot", severity="info", subject=subject, count=count, by=by)
        if not count:
            raise HTTPException(404, "The vault has no such token; it may have expired, or be forgotten already")
        return _json({"forgotten": count})

    async def _audit(self, subject: str, outcome: str, by: str, reason: str, count: int) -> None:
        await self._scope.audit(
            "vault.forget", subject=subject, outcome=outcome, principal=by, reason=reason, count=count
        )


def _asked(body: bytes) -> Asked:
    try:
        return Asked.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError:
        raise HTTPException(400, 'The body is no JSON: send {"token": "tok_…", "reason": "…"}') from None
    except ValidationError as invalid:
        error = invalid.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, error["loc"])) or "body"
        raise HTTPException(400, f"{where}: {error['msg'].removeprefix('Value error, ')}") from None


async def _done(asked: Any) -> Any:
    try:
        return await asked
    except DependencyDown as error:
        raise HTTPException(503, "The database is away: look at the vault's status before you repeat it") from error


def _json(content: Any) -> Response:
    return JSONResponse(content, headers={"cache-control": "no-store"})
