"""The desk: what fraud scoring has once per process: the state of keys, lists, decisions that are kept, labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route

from gateway import Component, DependencyDown, Job, Measure, Scope

from .digests import Digests
from .features import CODES, Values
from .feedback import Feedback
from .kept import Decisions
from .lists import Lists
from .measures import measures
from .options import DecisionsConfig, DeskConfig
from .stability import Drift
from .state.memory import MemoryState
from .state.protocol import State
from .state.shared import SharedState

QUIET = 60.0
"""Seconds between two words of decisions that could not be written."""


if TYPE_CHECKING:
    from .api import Answers

SAMPLE, SETTLES = 16, 1000
"""Of so many payments one is looked at for drift: all of its numbers take longer than to score it.  And after how many
of those a population is known."""


class DecisionsDesk(Component[DecisionsConfig]):
    """Decisions that are kept, for as long as it says; shown at ``/api/v1/decisions``."""

    name = "decisions"
    Config = DecisionsConfig

    def __init__(self, config: DecisionsConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self.kept = Decisions(lambda: scope.database, self._lose)
        self.lost = 0
        self._told = -QUIET

    def jobs(self) -> Sequence[Job]:
        return [Job("purge", self.purge, 600.0)]

    async def purge(self) -> None:
        await self.kept.purge(self.scope.clock.now(), self.config.keep)

    @cached_property
    def _answers(self) -> Answers:
        from .api import Answers  # noqa: PLC0415 - what people ask costs memory once somebody does

        return Answers(self.scope, self.kept)

    def admin_routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/", self._answers.decisions, methods=["GET"]),
            Route("/{id}", self._answers.decision, methods=["GET"]),
        ]

    def measures(self) -> Sequence[Measure]:
        return [Measure("lost_total", "counter", "Decisions that could not be written.", (), {(): self.lost})]

    def _lose(self, why: str) -> None:
        self.lost += 1
        if (now := self.scope.clock.monotonic()) - self._told >= QUIET:
            self._told = now
            self.scope.event("decision_not_kept", reason=why, lost=self.lost)


class Desk(Component[DeskConfig]):
    """Lists and labels, at ``/api/v1/fraud``, and the state that scores are made of.

    What is scored in shadow has a state of its own: nothing that is tried out there changes what is decided.
    """

    name = "fraud"
    Config = DeskConfig

    def __init__(self, config: DeskConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self.digests = Digests(scope)
        self.decisions = scope.component(DecisionsDesk).kept
        self.lists = Lists(lambda: scope.database, self.digests)
        self.feedback = Feedback(lambda: scope.database, self.decisions, self.state, config.label_delay)
        self.decided: Counter[tuple[str, ...]] = Counter()
        """By mode and decision."""
        self._seen = 0
        self._states = scope.share(config, dict[str, State])
        self._drifts: dict[str, Drift] = {}

    @property
    def shares(self) -> bool:
        """Whether other gateways see the same state."""
        return self.config.state == "store" and self.scope.store is not self.scope.local

    def state(self, mode: str) -> State:
        if mode not in self._states:
            prefix = "fraud" if mode == "enforce" else f"fraud:{mode}"
            self._states[mode] = (
                SharedState(self.scope.store, prefix=prefix) if self.shares else MemoryState(self.config.entries)
            )
        return self._states[mode]

    def drift(self, mode: str) -> Drift:
        """How far scores and features have moved since this policy began to serve."""
        if mode not in self._drifts:
            self._drifts[mode] = Drift(["score", *CODES], SETTLES)
        return self._drifts[mode]

    def see(self, mode: str, kind: str, values: Values, score: float) -> None:
        """A payment that was scored and decided; of one in ``SAMPLE`` the numbers are looked at, which is enough."""
        self.decided[mode, kind] += 1
        self._seen += 1
        if self._seen % SAMPLE == 0:
            self.drift(mode).add([score, *values])

    async def open(self) -> None:
        try:
            await self.lists.refresh()
        except DependencyDown as error:
            self.scope.event("fraud_lists_not_read", reason=str(error))

    def jobs(self) -> Sequence[Job]:
        return [
            Job("lists", self.lists.refresh, self.config.refresh),
            Job("labels", self.mature, 30.0),
            Job("purge", self.purge, 3600.0),
        ]

    async def mature(self) -> None:
        await self.feedback.mature(self.scope.clock.now())

    async def purge(self) -> None:
        await self.lists.purge()
        await self.feedback.purge(self.scope.component(DecisionsDesk).config.keep)

    @cached_property
    def _answers(self) -> Answers:
        from .api import Answers  # noqa: PLC0415 - as above

        return Answers(self.scope, self.decisions, self)

    def admin_routes(self) -> Sequence[BaseRoute]:
        answers = self._answers
        return [
            Route("/lists", answers.lists, methods=["GET"]),
            Route("/lists", answers.add, methods=["POST"]),
            Route("/lists/remove", answers.remove, methods=["POST"]),
            Route("/labels", answers.label, methods=["POST"]),
        ]

    def measures(self) -> Sequence[Measure]:
        return tuple(measures(self.decided, self.feedback.matured, self._drifts))
