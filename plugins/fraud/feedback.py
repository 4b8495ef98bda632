"""Feedback: what payments turned out to be, told late, is stored and counted for their keys; each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Literal, TypeAlias

from gateway import Database, payment_ids_until

from .kept import BATCH, Decisions, Kept
from .labels import Count, Label, count_of
from .state.protocol import State

Told: TypeAlias = Literal["stored", "changed", "known"]
"""What a label was: the first of its payment, another than the one before, or said before."""

PAGES = 20
"""Batches of payments whose labels are due that one run counts: the next goes on."""

_STORE = """
INSERT INTO fraud_labels (payment, fraud, source, at, author, created_at) VALUES ($1, $2, $3, $4, $5, {now})
ON CONFLICT (payment) DO UPDATE SET fraud = excluded.fraud, source = excluded.source, at = excluded.at,
  author = excluded.author WHERE fraud_labels.fraud <> excluded.fraud
RETURNING $1
"""

_KNOWN = "SELECT fraud FROM fraud_labels WHERE payment = $1"
_PURGE = "DELETE FROM fraud_labels WHERE created_at < {now} - CAST($1 AS DOUBLE PRECISION)"
_UNTIL = "SELECT until FROM fraud_matured"
_ADVANCE = "UPDATE fraud_matured SET until = $1 WHERE until = $2 RETURNING $1"


class Feedback:
    """Stores labels and counts them, and payments whose label is due, in the state of the mode they were scored in.

    ``delay`` is in seconds.  ``matured`` counts payments whose label is certain, by mode, decision, and ``fraud`` or
    ``legitimate``.
    """

    def __init__(
        self,
        database: Callable[[], Database],
        decisions: Decisions,
        state: Callable[[str], State],
        delay: float,
    ) -> None:
        self._database = database
        self._decisions = decisions
        self._state = state
        self._delay = delay
        self.matured: Counter[tuple[str, ...]] = Counter()

    async def label(self, label: Label, author: str) -> Told:
        """Idempotent by payment, which may be named by its decision's id, all that a backend knows of it.

        A payment that no decision is kept of is labelled and counted nowhere.
        Whatever tells of fraud comes in here: people, and what a processor says of disputes.  DatabaseDown where it is
        not stored; StoreDown where it is and could not be counted.
        """
        kept = await self._decisions.find(label.payment, ("payment", "id"))
        if kept is not None:
            label = label._replace(payment=kept.labelled_as)
        known = await self._database().read(_KNOWN, label.payment)
        given = label.payment, int(label.fraud), label.source, float(label.at), author
        if not await self._database().write(_STORE, *given):
            return "known"
        if kept is not None:
            await self._count(kept, label, was_fraud=bool(known and known[0][0]), was_labelled=bool(known))
        return "changed" if known else "stored"

    async def _count(self, kept: Kept, label: Label, *, was_fraud: bool, was_labelled: bool) -> None:
        counted = was_labelled or kept.id <= await self._until()
        said = count_of(kept.digests, label.at, fraud=label.fraud, was_fraud=was_fraud, was_counted=counted)
        if counted:
            self._mature(kept, fraud=was_fraud, by=-1)
        self._mature(kept, fraud=label.fraud)
        await self._tell(kept, said)

    async def mature(self, now: float) -> int:
        """Count those whose label is due as legitimate, unless one came; how many.

        Of several gateways, the one that moves the mark on counts a batch.
        """
        done, until = 0, payment_ids_until(now - self._delay)
        for _ in range(PAGES):
            mark = await self._until()
            batch = await self._decisions.between(mark, until, BATCH)
            if not batch or not await self._database().write(_ADVANCE, batch[-1].id, mark):
                break
            for kept in batch:
                if kept.fraud is None:
                    self._mature(kept, fraud=False)
                    await self._tell(kept, Count(kept.digests, kept.at + self._delay, 0, 1))
            done += len(batch)
        return done

    async def purge(self, keep: float) -> None:
        await self._database().write(_PURGE, keep)

    async def _until(self) -> str:
        return str((await self._database().read(_UNTIL))[0][0])

    def _mature(self, kept: Kept, *, fraud: bool, by: int = 1) -> None:
        self.matured[kept.mode, kept.decision, "fraud" if fraud else "legitimate"] += by

    async def _tell(self, kept: Kept, said: Count | None) -> None:
        if said is not None:
            state = self._state(kept.mode)
            await state.count(said.keys, said.at, frauds=said.frauds, payments=said.payments)
