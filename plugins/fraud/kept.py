"""Decisions that are kept: what was decided of each payment, from which factors, by which model and policy."""

from __future__ import annotations

from array import array
from asyncio import Future
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import orjson

from gateway import Database, payment_ids_until

from .decision import Decision
from .event import KINDS, Event, Keys
from .features import CODES, MEANING, Values

BATCH = 500

_KEEP = """
INSERT INTO decisions (id, payment, request_id, route, mode, at, operation, amount, currency, decision, score,
  decided_by, model, policy, keys, reasons, meaning, factors)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""

_COLUMNS = """d.id, d.payment, d.request_id, d.route, d.mode, d.at, d.operation, d.amount, d.currency, d.decision,
  d.score, d.decided_by, d.model, d.policy, d.keys, d.reasons, d.meaning, d.factors, l.fraud, l.source, l.at"""

_FIND = f"""
SELECT {_COLUMNS} FROM decisions AS d LEFT JOIN fraud_labels AS l ON l.payment = COALESCE(d.payment, d.id)
WHERE {{condition}} ORDER BY d.id DESC LIMIT {{limit}}
"""  # noqa: S608 - constants

_PURGE = f"""
DELETE FROM decisions WHERE id IN (SELECT id FROM decisions WHERE id < $1 ORDER BY id LIMIT {BATCH}) RETURNING $1
"""  # noqa: S608 - a constant


class Kept(NamedTuple):
    """A decision as the table has it, with the label of its payment, where there is one."""

    id: str
    payment: str | None
    request_id: str
    route: str
    mode: str
    at: float
    operation: str
    amount: int | None
    currency: str | None
    decision: str
    score: int
    decided_by: str
    model: str
    policy: str
    keys: str
    reasons: str
    meaning: int
    factors: bytes
    fraud: int | None = None
    source: str | None = None
    labelled_at: float | None = None

    @property
    def labelled_as(self) -> str:
        """What its label stands under: its payment, or itself where the ledger has no record of that."""
        return self.payment or self.id

    @property
    def digests(self) -> Keys:
        return tuple(orjson.loads(self.keys))

    @property
    def document(self) -> dict[str, Any]:
        """As the API shows it; factors that are 0 are left out, and all where they meant something else then."""
        same = self.meaning == MEANING
        values = array("f", self.factors) if same else ()
        return {
            "id": self.id,
            "payment": self.payment,
            "request_id": self.request_id,
            "route": self.route,
            "mode": self.mode,
            "operation": self.operation,
            "amount": self.amount,
            "currency": self.currency,
            "decision": self.decision,
            "score": self.score,
            "decided_by": self.decided_by,
            "reasons": [dict(zip(_REASON, each, strict=True)) for each in orjson.loads(self.reasons)],
            "factors": {code: float(f"{value:.6g}") for code, value in zip(CODES, values, strict=same) if value},
            "keys": {kind: key for kind, key in zip(KINDS, self.digests, strict=True) if key is not None},
            "model": self.model,
            "policy": self.policy,
            "label": None if self.fraud is None else {"fraud": bool(self.fraud), "source": self.source},
        }


_REASON = ("code", "value", "baseline", "points")


class Decisions:
    """The table of decisions.  ``lost`` is called with what it says where one could not be written."""

    def __init__(self, database: Callable[[], Database], lost: Callable[[str], None]) -> None:
        self._database = database
        self._lost = lost

    def keep(
        self,
        event: Event,
        decision: Decision,
        values: Values,
        *,
        payment: str | None,
        request_id: str,
        route: str,
        mode: str,
        model: str,
        policy: str,
    ) -> None:
        """Hand it over: it is committed with what else is written in this turn, and nobody waits for it."""
        written = self._database().write(
            _KEEP,
            event.id,
            payment,
            request_id,
            route,
            mode,
            event.at,
            event.operation,
            event.amount,
            event.currency,
            decision.kind,
            decision.score,
            decision.by,
            model,
            policy,
            orjson.dumps(event.keys).decode(),
            orjson.dumps([tuple(each) for each in decision.reasons]).decode(),
            MEANING,
            array("f", values).tobytes(),
        )
        written.add_done_callback(self._written)

    def _written(self, written: Future[list[Any]]) -> None:
        if not written.cancelled() and (error := written.exception()) is not None:
            self._lost(str(error) or type(error).__name__)

    async def find(self, id: str, columns: Sequence[str] = ("id", "payment", "request_id")) -> Kept | None:  # noqa: A002
        """By its id, or the last of the payment or the request of this id."""
        for column in columns:
            if found := await self._select(f"d.{column} = $1", 1, id):
                return found[0]
        return None

    async def page(self, limit: int, before: str | None, **of: str) -> list[Kept]:
        """The newest first; ``of`` may name a payment or a request_id."""
        conditions, values = ["1 = 1"], []
        if before is not None:
            values.append(before)
            conditions.append("d.id < $1")
        for column, value in of.items():
            values.append(value)
            conditions.append(f"d.{column} = ${len(values)}")
        return await self._select(" AND ".join(conditions), limit, *values)

    async def of_payment(self, payment: str) -> Kept | None:
        return await self.find(payment, ("payment",))

    async def between(self, after: str, until: str, limit: int) -> Sequence[Kept]:
        """Those with ids after one and up to another, the oldest first."""
        statement = _FIND.replace("{condition}", "d.id > $1 AND d.id <= $2").replace("DESC", "ASC")
        rows = await self._database().read(statement.replace("{limit}", str(limit)), after, until)
        return [Kept(*row) for row in rows]

    async def purge(self, now: float, keep: float) -> None:
        """Those that are older than ``keep`` seconds, some at a time, until none is left."""
        while len(await self._database().write(_PURGE, payment_ids_until(now - keep))) == BATCH:
            pass

    async def _select(self, condition: str, limit: int, *values: Any) -> list[Kept]:
        statement = _FIND.replace("{condition}", condition).replace("{limit}", str(limit))
        return [Kept(*row) for row in await self._database().read(statement, *values)]
