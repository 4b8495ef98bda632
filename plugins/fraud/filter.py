"""The filter ``fraud``: a payment is scored once, and passes on, is reviewed or is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway import (
    BadOption,
    DependencyDown,
    Earlier,
    Exchange,
    Filter,
    Hold,
    Payment,
    Reads,
    Response,
    Scope,
    payment_id,
)

from . import header, problems
from .decision import Decision, Ruling
from .desk import Desk
from .emails import judge
from .event import Event, Keys
from .features import CODES, FEATURES, Values, features
from .options import FraudConfig
from .reading import Reader
from .scoring import Model, ModelError, Score

_DECLINES = 14
"""Where a view has the declines in a row."""

_NO_VALUES: Values = [0.0] * len(CODES)
_NO_SCORE = Score(0.0, ())


class _Scored(NamedTuple):
    """A fact of the filter's own, for when its answer comes back."""

    keys: Keys
    declined_before: bool


class Fraud(Filter[FraudConfig]):
    """Allow list, block list, hard rules, then the score; each decision is kept.

    It stands below the filter that claims, so that a repeat, which is answered there, is not scored again; and it does
    not judge what is sent later a second time.
    """

    name = "fraud"
    Config = FraudConfig
    requires = (Payment,)
    reruns = True

    @classmethod
    def catalogue(cls) -> dict[str, Sequence[dict[str, str | int]]]:
        return {"factors": [{"code": each.code, "about": each.about} for each in FEATURES]}

    def __init__(self, config: FraudConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self._desk = scope.component(Desk)
        self._read = Reader(config.facts, self._desk.digests)
        self.reads = Reads.REQUEST if self._read.reads_body else Reads.NOTHING
        self._ruling = Ruling(config.rules, config.review_at, config.block_at)
        self._model = _model(config)
        self._state = self._desk.state(scope.mode)
        self._key = self._signing_key()
        if config.on_review == "hold" and scope.mode == "enforce":
            self.holds = Hold(config.hold.most, config.hold.within, self._credentials(), config.hold.rate)

    async def open(self) -> None:
        judge("somebody@example.com")  # what it imports is imported before the first payment

    async def on_request(self, exchange: Exchange) -> Response | None:
        earlier = exchange.get(Earlier)
        return await (self._score(exchange) if earlier is None else self._recall(exchange, earlier.payment))

    async def _recall(self, exchange: Exchange, payment: str) -> None:
        """Whose payment it is, for what the bank says of it.  It is sent whether that can be found or not."""
        try:
            kept = await self._desk.decisions.of_payment(payment)
        except DependencyDown:
            return
        if kept is not None and kept.mode == self.scope.mode:
            exchange.put(_Scored(kept.digests, declined_before=True))

    async def _score(self, exchange: Exchange) -> Response | None:
        at = self.scope.clock.now()
        event, named = self._read(exchange, payment_id(), at)
        allowed = self._desk.lists.hit("allow", event, named, at)
        blocked = None if allowed else self._desk.lists.hit("block", event, named, at)
        try:
            views = await self._state.observe(event)
        except DependencyDown:
            if allowed is None and blocked is None:
                raise
            values, score = _NO_VALUES, _NO_SCORE
        else:
            values = features(event, views)
            score = self._model.score(values)
            exchange.put(_Scored(event.keys, any(view[_DECLINES] for view in views.seen)))
        decision = self._ruling.decide(event, values, score, allowed, blocked)
        self._desk.see(self.scope.mode, decision.kind, values, score.value)
        self._keep(exchange, event, decision, values)
        return None if decision.kind == "allow" else await self._act(exchange, event, decision)

    async def on_response(self, exchange: Exchange) -> None:
        """Declines in a row are counted, and end with a payment that goes through; nobody waits for it."""
        scored = exchange.get(_Scored)
        if scored is None or not exchange.attempts:
            return
        status = exchange.answer.status
        declined = exchange.outcome == "failed" if exchange.outcome is not None else status == 402
        approved = exchange.outcome == "succeeded" if exchange.outcome is not None else 200 <= status < 300
        if declined or (approved and scored.declined_before):
            telling = self._state.answered(scored.keys, declined=declined)
            self.scope.tasks.start(telling, name="fraud: what the bank said")

    def _keep(self, exchange: Exchange, event: Event, decision: Decision, values: Values) -> None:
        mode = self.scope.mode
        exchange.note(
            "fraud_scored",
            decision=decision.kind,
            score=decision.score,
            by=decision.by,
            reasons=[each.code for each in decision.reasons],
            id=event.id,
        )
        reservation = exchange.reservation
        self._desk.decisions.keep(
            event,
            decision,
            values,
            payment=None if reservation is None else reservation.id,
            request_id=exchange.id,
            route=self.scope.place,
            mode=mode,
            model=f"{self._model.kind}:{self._model.version}",
            policy=self.scope.policy,
        )

    async def _act(self, exchange: Exchange, event: Event, decision: Decision) -> Response | None:
        if decision.kind == "block":
            raise problems.refusal(self.config.block_status)
        if self._key is not None:
            exchange.request.headers[header.NAME] = header.signed(self._key, decision.score, event.id, event.at)
        if self.config.on_review == "pass":
            return None
        if self.scope.mode == "shadow":
            return Response(202)
        return await self._hold(exchange)

    async def _hold(self, exchange: Exchange) -> Response:
        """Where nobody knows whether it is held it does not pass on, whatever ``failure_mode`` says of the state."""
        try:
            answer = await exchange.hold("fraud_review")
        except DependencyDown as error:
            raise problems.unavailable() from error
        if answer is None:
            raise problems.unavailable()
        return answer

    def _signing_key(self) -> bytes | None:
        """In shadow there is no header, and nothing to sign."""
        if self.config.sign_with is None or self.scope.mode == "shadow":
            return None
        try:
            return self.scope.secret(self.config.sign_with).encode()
        except ValueError as error:
            raise BadOption(str(error), "sign_with") from error

    def _credentials(self) -> dict[str, str]:
        found = {}
        for name, reference in self.config.hold.headers.items():
            try:
                found[name.lower()] = self.scope.secret(reference)
            except ValueError as error:
                raise BadOption(str(error), "hold", "headers", name) from error
        return found


def _model(config: FraudConfig) -> Model:
    from .judge import model_of  # noqa: PLC0415 - a policy without the filter pays for no reader of models

    try:
        return model_of(config.model, config.points)
    except ModelError as error:
        raise BadOption(str(error), "model") from error
