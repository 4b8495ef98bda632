from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson

from gateway import (
    Exchange,
    Filter,
    Headers,
    Payment,
    Principal,
    Reads,
    Record,
    Reservation,
    Response,
    Scope,
    State,
    Unreadable,
    claim_of,
)

from . import problems
from .decision import Repeat, generated_keys, is_near, judge, key_of, salt_of, signed, spellings
from .options import IdempotencyConfig

FINGERPRINT = "fingerprint"
"""The purpose under which requests are hashed."""

ROUNDS = 3
"""How often a claim that is free is tried for, while others are faster each time."""

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.2
"""Seconds between two looks at a request that is under way."""


class Waiting:
    """How many repeats wait, in this process, on one route."""

    count = 0


class IdempotencyFilter(Filter[IdempotencyConfig]):
    """Claims each request by its owner, route and key before it is passed on; a repeat is answered here.

    The upstream is sent what stands for the key in its place.  A repeat gets the first answer again, with
    ``Idempotent-Replayed: true``; 409 while the first is under way, in doubt, or where its answer is not kept; 422
    ``idempotency_key_reused`` where it is another request.  What was certainly not executed is executed afresh.
    """

    name = "idempotency"
    Config = IdempotencyConfig
    reads = Reads.REQUEST
    requires: tuple[type, ...] = (Principal,)
    rejects_up = ("clear_text",)
    reserves = True
    reruns = False
    shadowable = False

    def __init__(self, config: IdempotencyConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        if scope.operation is not None:
            self.requires = (Principal, Payment)  # what is claimed is recorded with them
        if config.key == "generated" and (scope.operation or "").startswith("refund."):
            raise ValueError("key: generated is not for refunds: two equal ones may both be meant; say required")
        self._header = config.header
        self._spellings = spellings(config.header)
        self._waiting = scope.share(config, Waiting)
        stripe = config.codes == "stripe"
        self._reused = problems.StripeKeyReused if stripe else problems.KeyReused
        self._in_progress = problems.StripeKeyInUse if stripe else problems.InProgress

    async def on_request(self, exchange: Exchange) -> Response | None:
        received, keys, content_types = exchange.received, [], []
        for field in received.headers:
            if field[0] in self._spellings:
                keys.append(field)
            elif field[0] == b"content-type":
                content_types.append(field[1])
        if keys:
            key = key_of(keys, self._header)
        elif self.config.key == "required":
            raise problems.KeyMissing(f"Send {self._header}, another one for each payment")
        elif self.config.key == "optional":
            return None
        data = signed(received, content_types)
        if not keys:
            return await self._without_key(exchange, data)
        claim = self._claim(exchange, key)
        found = await exchange.reserve(claim, self.scope.hash(FINGERPRINT, data), self.config.window)
        if isinstance(found, Reservation):
            return self._pass_on(exchange, claim)
        return await self._repeat(exchange, claim, found, data)

    def _claim(self, exchange: Exchange, key: str) -> bytes:
        return claim_of(exchange.require(Principal).id, self.scope.place, key)

    def _pass_on(self, exchange: Exchange, claim: bytes) -> Response | None:
        """With what stands for the key, which is all that the upstream knows of it."""
        exchange.request.headers[self._header] = claim.hex()
        return None

    # a claim that is taken

    async def _repeat(self, exchange: Exchange, claim: bytes, record: Record, data: bytes) -> Response | None:
        fingerprints = self.scope.hashes(FINGERPRINT, data)
        found = await self._reserved_again(exchange, record, fingerprints)
        if found is None:
            return self._pass_on(exchange, claim)
        if self._judge(found, fingerprints) is Repeat.IN_FLIGHT and self._may_wait:
            found = await self._await_outcome(exchange, found, fingerprints)
            if found is None:
                return self._pass_on(exchange, claim)
        exchange.note("repeat", payment=found.id, state=found.state)
        return self._answer(exchange, found, fingerprints)

    def _judge(self, record: Record, fingerprints: Sequence[str]) -> Repeat:
        return judge(record, fingerprints, self.scope.clock.now())

    async def _reserved_again(self, exchange: Exchange, record: Record, fingerprints: Sequence[str]) -> Record | None:
        """None where the claim was free and is this exchange's now; else the record as it is."""
        for _ in range(ROUNDS):
            if self._judge(record, fingerprints) is not Repeat.FREE:
                break
            if await exchange.reserve_again(record) is not None:
                return None
            record = await self.scope.ledger.find(record.id) or record
        return record

    @property
    def _may_wait(self) -> bool:
        return self.config.wait > 0 and self._waiting.count < self.config.waiting

    async def _await_outcome(self, exchange: Exchange, record: Record, fingerprints: Sequence[str]) -> Record | None:
        """As above, once the first request is no longer under way, or it was waited for long enough."""
        until = self.scope.clock.monotonic() + self.config.wait
        pause = FIRST_PAUSE
        self._waiting.count += 1
        try:
            while (left := until - self.scope.clock.monotonic()) > 0:
                await asyncio.sleep(min(pause, left))
                pause = min(2 * pause, LONGEST_PAUSE)
                seen = await self.scope.ledger.find(record.id) or record
                found = await self._reserved_again(exchange, seen, fingerprints)
                if found is None or self._judge(found, fingerprints) is not Repeat.IN_FLIGHT:
                    return found
                record = found
        finally:
            self._waiting.count -= 1
        return record

    def _answer(self, exchange: Exchange, record: Record, fingerprints: Sequence[str]) -> Response:
        match self._judge(record, fingerprints):
            case Repeat.ANOTHER_REQUEST:
                raise self._reused
            case Repeat.SALT_MISSING:
                self.scope.event(
                    "fingerprint_salt_missing", severity="critical", salt=salt_of(record.fingerprint), payment=record.id
                )
                raise problems.FingerprintUnavailable(record)
            case Repeat.FREE | Repeat.IN_FLIGHT:
                raise self._in_progress(record)
            case Repeat.ACCEPTED:
                return accepted(record)
            case Repeat.IN_DOUBT:
                raise problems.PaymentInDoubt(record)
            case Repeat.ANSWERED:
                return self._replay(exchange, record)
            case Repeat.SETTLED:
                raise problems.AnswerUnavailable(record)

    def _replay(self, exchange: Exchange, record: Record) -> Response:
        try:
            answer = exchange.stored_answer(record)
        except Unreadable as error:
            self.scope.event("answer_unreadable", severity="critical", payment=record.id, reason=str(error))
            answer = None
        if answer is None:
            raise problems.AnswerUnavailable(record)
        answer.headers["idempotent-replayed"] = "true"
        return answer

    # a request that brings no key

    async def _without_key(self, exchange: Exchange, data: bytes) -> Response | None:
        """Claim it by what it says; refuse it where the same was, or may have been, executed a short time ago.

        It is claimed first and the neighbours are looked at then: of two that come at once, each finds the other, or
        one finds nothing.
        """
        within = self.config.duplicate_within
        fingerprints = self.scope.hashes(FINGERPRINT, data)
        key, near = generated_keys(fingerprints, self.scope.clock.now(), within)
        claim = self._claim(exchange, key)
        found: Reservation | Record | None = await exchange.reserve(claim, fingerprints[0], 2 * within)
        if isinstance(found, Record):
            found = await self._reserved_again(exchange, found, fingerprints)
        if isinstance(found, Record):
            raise self._duplicate(exchange, found)
        ledger = self.scope.ledger
        for record in await asyncio.gather(*(ledger.find_claim(self._claim(exchange, each)) for each in near)):
            if record is not None and is_near(record, self.scope.clock.now(), within):
                raise self._duplicate(exchange, record)
        return self._pass_on(exchange, claim)

    def _duplicate(self, exchange: Exchange, record: Record) -> problems.PossibleDuplicate:
        exchange.note("possible_duplicate", payment=record.id, state=record.state)
        return problems.PossibleDuplicate(record, self._header)


def accepted(record: Record) -> Response:
    """What the first request was answered when it was accepted; one that is about to be sent still is."""
    where = problems.STATUS + record.id
    state = State.HELD if record.state is State.HELD else State.ACCEPTED
    document = {"id": record.id, "state": state, "status": where, "request_id": record.request_id}
    headers = {"content-type": "application/json", "cache-control": "no-store", "location": where}
    return Response(202, headers=Headers(headers), body=orjson.dumps(document))
