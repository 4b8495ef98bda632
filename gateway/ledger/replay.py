"""Replay: the identical bytes under the same key once more, to an upstream that executes a key once and says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Literal, Protocol, cast

from gateway.credentials import Credentials
from gateway.ledger.bodies import StoredRequest
from gateway.ledger.records import Evidence, Record
from gateway.parts import Resolver, Scope

Verdict = Literal["succeeded", "failed", "pending", "unknown"]

GRACE = 10.0
"""Seconds that a lease to send has beyond the time in which it is used."""

MARGIN = 0.05
LONGEST_MARGIN = 60.0
"""The end of a window that is not used, as a share of it and at most in seconds: clocks differ, and so does when the
upstream says that a key first arrived."""


@dataclass(frozen=True, slots=True)
class Promise:
    """An upstream executes a key once within ``window`` seconds; it is sent to for at most ``total``."""

    window: float
    total: float


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of sending once more: what the payment's route makes of a conclusive answer, else why it is none."""

    verdict: Verdict
    detail: str = ""


class Resending(Protocol):
    """What sends, with the policy that this resolver belongs to."""

    def promise(self, record: Record) -> Promise | None:
        """None where its upstream does not promise to execute a key once."""

    def stored(self, record: Record) -> StoredRequest | None:
        """None where it was not kept, or has no key.  Unreadable where it cannot be opened."""

    async def send(
        self, record: Record, stored: StoredRequest, headers: Mapping[str, str], epoch: int, send_by: float
    ) -> Answered:
        """Through the upstream's guards and pool; nothing is sent after ``send_by``, by ``time.monotonic()``."""


class ReplayScope(Scope, Protocol):
    @property
    def resending(self) -> Resending: ...


class Replay(Resolver[Credentials]):
    """Sends a payment again as it was sent, and takes the answer for evidence.

    Only to an upstream declared `idempotent`, only within that window of the first time it may have been sent, only
    the bytes that are kept with the record, under the same key, and only once the ledger has given this gateway the
    right to.  Credentials are not kept: those named here are sent in their place, and must be the same party's.
    """

    name = "replay"
    Config = Credentials

    def __init__(self, config: Credentials, scope: Scope) -> None:
        super().__init__(config, scope)
        self._scope = cast("ReplayScope", scope)
        self._headers: Mapping[str, str] = {}

    async def open(self) -> None:
        self._headers = self.config.fields(self.scope)

    async def ask(self, record: Record) -> Evidence | None:
        resending = self._scope.resending
        promise = resending.promise(record)
        if promise is None or record.claim is None or record.sent_at is None:
            return None
        began, ledger = monotonic(), self.scope.ledger
        now = await ledger.now()
        if not within(promise, record.sent_at, now):
            return None
        stored = resending.stored(record)
        if stored is None:
            return self._not_kept(record)
        epoch = await ledger.resend(record.id, record.revision, promise.total + GRACE)
        if epoch is None:
            return self._evidence(record, Answered("unknown", "somebody else changed the record"))
        answered = await resending.send(record, stored, self._headers, epoch, began + promise.total)
        return self._evidence(record, answered)

    def _not_kept(self, record: Record) -> Evidence | None:
        """What the trail says of why there is nothing to send."""
        for note in record.trail.get("notes", ()):
            if note["code"] == "request_not_kept":
                why = note.get("detail", {}).get("reason", "")
                return self._evidence(record, Answered("unknown", f"its request was not kept: {why}"))
        return None

    def _evidence(self, record: Record, answered: Answered) -> Evidence:
        """Its money is what we asked for, as the bytes and the key are ours."""
        return Evidence(
            self.name,
            answered.verdict,
            by_key=True,
            amount=record.amount,
            currency=record.currency,
            detail=answered.detail,
        )


def within(promise: Promise, sent_at: float, now: float) -> bool:
    """Whether all that is sent from now on arrives within the window.  A clock that was put back proves nothing."""
    margin = min(LONGEST_MARGIN, promise.window * MARGIN)
    return sent_at <= now and now + promise.total + margin < sent_at + promise.window
