"""The judge of a policy: its model and its ruling, from the options of ``fraud``, for whoever replays a history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .decision import BLOCK_AT, REVIEW_AT, Decision, HardRule, Ruling
from .event import Event
from .features import Values
from .models import load_model
from .points import HAND_SET, Points, PointsModel
from .scoring import Model, Score


class Judged(NamedTuple):
    """What a policy says of one payment: also every hard rule that holds, whichever decided."""

    decision: Decision
    score: Score
    rules: tuple[str, ...]


class Judge:
    """Decides as the filter with these options does, of lists and of modes apart."""

    def __init__(self, model: Model, ruling: Ruling) -> None:
        self.model, self.ruling = model, ruling

    def judge(self, event: Event, values: Values) -> Judged:
        score = self.model.score(values)
        decision = self.ruling.decide(event, values, score)
        return Judged(decision, score, tuple(self.ruling.hits(event, values)))


def judge_of(options: Mapping[str, Any]) -> Judge:
    """From options as a policy writes them.  ValueError says what is wrong with one; ModelError with a model's file."""
    rules = [HardRule.model_validate(each) for each in options.get("rules") or ()]
    ruling = Ruling(rules, options.get("review_at", REVIEW_AT), options.get("block_at", BLOCK_AT))
    points = [Points.model_validate(each) for each in options.get("points") or ()]
    return Judge(model_of(options.get("model"), points), ruling)


def model_of(path: str | None, points: Sequence[Points]) -> Model:
    """The model in the file; without one, that of the points.  ModelError says what is wrong with the file."""
    return PointsModel(_with_own(points)) if path is None else load_model(path)


def _with_own(points: Sequence[Points]) -> list[Points]:
    """Points of a policy, with those set by hand for all factors that it does not name; 0 switches a factor off."""
    named = {each.factor for each in points}
    return [*(each for each in HAND_SET if each.factor not in named), *(each for each in points if each.points)]
