"""Key uses: how often each key has sealed is counted ahead in the database, in blocks, so that a crash forgets none."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from gateway.crypto.keyring import NOT_COUNTED, Allowance
from gateway.database.protocol import Database, DatabaseDown

BOUND = 1 << 32
"""NIST SP 800-38D §8.3: under one key at most so many random nonces of 96 bits."""

BLOCK = 1 << 16
"""Uses that are counted at once: what a crash may waste."""

KIND = "ENCRYPTION_KEY"

_RESERVE = """
UPDATE key_checks SET uses = uses + $2, retired_at = NULL
WHERE id = $1 AND kind = 'ENCRYPTION_KEY' AND uses <= CAST($3 AS BIGINT) - $2 RETURNING $1, uses
"""
_FULL = "SELECT uses FROM key_checks WHERE kind = 'ENCRYPTION_KEY' AND id = $1"

_SPENT = "Nothing can be encrypted: the key has been used as often as one key may be; a new one has to come before it."


class KeyUses:
    """Allowances of keys, filled from the database, which all gateways share.

    ``start`` runs what fills one in the background.  ``tell`` is told once of a key that nears its bound, and of one
    that is at it.
    """

    def __init__(
        self,
        database: Database,
        start: Callable[[Coroutine[Any, Any, None]], object],
        tell: Callable[..., None] = lambda *_, **__: None,
        *,
        block: int = BLOCK,
        bound: int = BOUND,
    ) -> None:
        self._database = database
        self._start = start
        self._tell = tell
        self._block = block
        self._bound = bound
        self._allowances: dict[str, Allowance] = {}
        self._asking: set[str] = set()
        self._told: set[tuple[str, str]] = set()
        self._sealing = ""
        self.uses: dict[str, int] = {}
        """By the ids of keys, as this gateway last heard."""

    def allowance(self, key: str) -> Allowance:
        """That of this key: nothing is allowed before ``fill``."""
        if key not in self._allowances:
            self._allowances[key] = Allowance(ask=lambda: self._ask(key))
        return self._allowances[key]

    async def fill(self, key: str) -> None:
        """Count a block ahead, unless enough is left.  DatabaseDown where it cannot be counted."""
        self._sealing = key
        allowance = self.allowance(key)
        if allowance.left >= allowance.low > 0:
            return
        rows = await self._database.write(_RESERVE, key, self._block, self._bound)
        if rows:
            self.uses[key] = int(rows[0][1])
            allowance.grant(self._block)
        elif found := await self._database.read(_FULL, key):
            self.uses[key] = int(found[0][0])
            allowance.why = _SPENT
        self._judge(key, spent=not rows)

    @property
    def trouble(self) -> str | None:
        """Why the key that seals has to be followed by another, soon or now."""
        uses = self.uses.get(self._sealing, 0)
        if uses <= self._bound // 4 * 3:
            return None
        spent = self.allowance(self._sealing).why == _SPENT
        at = "has been used as often as it may be" if spent else "nears the bound of its uses"
        return f"the key {self._sealing} {at} ({uses} of {self._bound}): payguard keys rotate"

    def _ask(self, key: str) -> None:
        if key not in self._asking:
            self._asking.add(key)
            if self._start(self._fill(key)) is None:
                self._asking.discard(key)

    async def _fill(self, key: str) -> None:
        allowance = self.allowance(key)
        try:
            await self.fill(key)
        except DatabaseDown:
            allowance.why = NOT_COUNTED  # the next that finds too little asks again
            allowance.low = allowance.left // 2
        finally:
            self._asking.discard(key)

    def _judge(self, key: str, *, spent: bool) -> None:
        uses = self.uses.get(key, 0)
        if spent:
            self._once("key_spent", key, "critical", uses)
        elif uses > self._bound // 4 * 3:
            self._once("key_nearly_spent", key, "error", uses)

    def _once(self, code: str, key: str, severity: str, uses: int) -> None:
        if (code, key) not in self._told:
            self._told.add((code, key))
            self._tell(code, source="keys", severity=severity, key=key, uses=uses, bound=self._bound)
