"""What is decided of a payment: lists first, then hard rules, then the score.  Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import isnan
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Literal, NamedTuple, TypeAlias

from pydantic import Field, field_validator

from gateway import Config, did_you_mean

from .event import Event
from .features import CODES, INDEX, Values
from .scoring import Reason, Score

Kind: TypeAlias = Literal["allow", "review", "block"]

REVIEW_AT, BLOCK_AT = 65, 75
"""Stripe Radar's: elevated risk from 65, highest from 75 (https://docs.stripe.com/radar/risk-evaluation)."""

FACTS = ("operation", "currency", "country", "card_country")
"""What a hard rule may ask of a payment in words, beside the numbers of its features."""

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": ge, "<=": le, "==": eq, "!=": ne, ">": gt, "<": lt,
}  # fmt: skip
_WRITTEN = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\S.*?)\s*")


class HardRule(Config):
    """A rule that decides alone, whatever the score: where all its conditions hold."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """What the decision gives as its reason."""
    when: dict[str, str] = Field(min_length=1)
    """Conditions on features and facts, such as `{amount: "> 1000", account_age_days: "< 1", currency: "== usd"}`."""
    then: Kind
    """What is decided."""

    @field_validator("when")
    @classmethod
    def _can_be_asked(cls, when: dict[str, str]) -> dict[str, str]:
        for name, text in when.items():
            _condition(name, text)
        return when


class Decision(NamedTuple):
    """What is done with a payment, and why."""

    kind: Kind
    score: int
    """0 to 99; also where something else decided."""
    by: str
    """What decided: ``score``, ``rule:<code>``, ``allow_list:<kind>`` or ``block_list:<kind>``."""
    reasons: tuple[Reason, ...]
    """Those of the score."""


class Ruling:
    """The hard rules and thresholds of a policy, ready to decide.  ValueError where review is not below block."""

    def __init__(self, rules: Sequence[HardRule] = (), review_at: int = REVIEW_AT, block_at: int = BLOCK_AT) -> None:
        if review_at > block_at:
            raise ValueError(f"review_at ({review_at}) is above block_at ({block_at})")
        self.review_at, self.block_at = review_at, block_at
        self._rules = [(rule.code, rule.then, [_condition(*each) for each in rule.when.items()]) for rule in rules]

    def decide(
        self, event: Event, values: Values, score: Score, allowed: str | None = None, blocked: str | None = None
    ) -> Decision:
        """``allowed`` and ``blocked`` are the kinds of key that stand on a list, such as ``card``."""
        points = int(score.value)
        if allowed is not None:
            return Decision("allow", points, f"allow_list:{allowed}", score.reasons)
        if blocked is not None:
            return Decision("block", points, f"block_list:{blocked}", score.reasons)
        for code, then, conditions in self._rules:
            if all(holds(event, values) for holds in conditions):
                return Decision(then, points, f"rule:{code}", score.reasons)
        return Decision(self._by_score(points), points, "score", score.reasons)

    def hits(self, event: Event, values: Values) -> list[str]:
        """The codes of all rules that hold, whichever decides."""
        return [code for code, _, conditions in self._rules if all(holds(event, values) for holds in conditions)]

    def _by_score(self, points: int) -> Kind:
        if points >= self.block_at:
            return "block"
        return "review" if points >= self.review_at else "allow"


def _condition(name: str, text: str) -> Callable[[Event, Values], bool]:
    """A fact that a payment does not have meets no condition on it.  ValueError where there is no such condition."""
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(f"{name}: write a comparison, such as '> 100', in place of {text!r}")
    sign, operand = written.groups()
    compare = _COMPARISONS[sign]
    if name in FACTS:
        return _on_fact(name, sign, operand.lower())
    if name not in INDEX:
        raise ValueError(f"there is no feature or fact {name!r}{did_you_mean(name, [*CODES, *FACTS])}")
    try:
        number = float(operand)
    except ValueError:
        raise ValueError(f"{name}: {operand!r} is no number") from None
    if isnan(number):
        raise ValueError(f"{name}: nothing compares with {operand!r}")
    at = INDEX[name]
    return lambda _, values: compare(values[at], number)


def _on_fact(name: str, sign: str, word: str) -> Callable[[Event, Values], bool]:
    if sign not in ("==", "!="):
        raise ValueError(f"{name} is a word: compare it by == or !=")
    at, compare = Event._fields.index(name), _COMPARISONS[sign]
    return lambda event, _: event[at] is not None and compare(event[at], word)
