"""``/api/v1/vault``: how much the vault holds, and that it forgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway import PersonName, Reason, Scope, author_of, body_of, done, json_answer

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
        counts = await done(self._vault.counts(), _AWAY)
        return json_answer(
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
        asked = body_of(Asked, await request.body(), '{"token": "tok_…", "reason": "…"}')
        by = author_of(asked.by, request.scope)
        subject = digest(asked.token) if asked.token is not None else self._vault.customers(asked.customer or "")[0]
        await done(self._audit(subject, "begun", by, asked.reason, 0), _AWAY)
        forget = self._vault.forget(asked.token) if asked.token else self._vault.forget_customer(asked.customer or "")
        count = await done(forget, _AWAY)
        await done(self._audit(subject, "done" if count else "absent", by, asked.reason, count), _AWAY)
        self._scope.event("vault_forgot", severity="info", subject=subject, count=count, by=by)
        if not count:
            raise HTTPException(404, "The vault has no such token; it may have expired, or be forgotten already")
        return json_answer({"forgotten": count})

    async def _audit(self, subject: str, outcome: str, by: str, reason: str, count: int) -> None:
        await self._scope.audit(
            "vault.forget", subject=subject, outcome=outcome, principal=by, reason=reason, count=count
        )


_AWAY = "The database is away: look at the vault's status before you repeat it"
