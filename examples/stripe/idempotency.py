"""Idempotency keys as Stripe treats them: the same key gives the same answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

NOT_STORED = frozenset({400, 401, 403, 404, 409, 429})
"""Answers of a request that never began to execute: its key stays free."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the fake says: a status, a JSON document, headers."""

    status: int
    document: Any
    headers: dict[str, str] = field(default_factory=dict)


def error(status: int, message: str, **members: str) -> Answer:
    return Answer(status, {"error": {"message": message, **members}})


@dataclass(slots=True)
class Use:
    """The first use of a key: what was asked, and the answer once there is one."""

    fingerprint: bytes
    answer: Answer | None = None


class Keys:
    """The keys that were used, and what they gave."""

    def __init__(self) -> None:
        self._uses: dict[str, Use] = {}

    async def once(self, key: str, fingerprint: bytes, execute: Callable[[], Awaitable[Answer]]) -> Answer:
        """``execute``'s answer, now or as it was the first time."""
        use = self._uses.get(key)
        if use is None:
            return await self._first(key, fingerprint, execute)
        if use.fingerprint != fingerprint:
            return error(
                400,
                f"Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request.",
                type="idempotency_error",
            )
        if use.answer is None:
            return error(
                409,
                f"There is currently another in-progress request using this key: '{key}'.",
                type="idempotency_error",
                code="idempotency_key_in_use",
            )
        return replace(use.answer, headers=use.answer.headers | {"Idempotent-Replayed": "true"})

    async def _first(self, key: str, fingerprint: bytes, execute: Callable[[], Awaitable[Answer]]) -> Answer:
        use = self._uses[key] = Use(fingerprint)
        try:
            answer = await execute()
        except BaseException:
            del self._uses[key]
            raise
        if answer.status in NOT_STORED:
            del self._uses[key]
        else:
            use.answer = answer
        return answer
