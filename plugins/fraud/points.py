"""Points set by hand: the model that needs no labels, written in the policy."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Self

import orjson
from pydantic import Field, field_validator, model_validator

from gateway import Config, did_you_mean

from .features import CODES, INDEX, Values
from .scoring import HIGHEST, TOLD, Reason, Score


class Points(Config):
    """Points for one factor that is above, or below, a number; all that hold are added up."""

    factor: str
    """A feature, as `payguard plugins show fraud` lists them."""
    above: float | None = None
    """It gives points above this number."""
    below: float | None = None
    """It gives points below this number."""
    full_at: float | None = None
    """Points grow from none at `above` or `below` to all of them here; without it they are given whole."""
    points: float = Field(ge=-99, le=99)
    """How many of the score's 99; fewer than none lower it."""

    @field_validator("factor")
    @classmethod
    def _is_known(cls, factor: str) -> str:
        if factor not in INDEX:
            raise ValueError(f"there is no feature {factor!r}{did_you_mean(factor, CODES)}")
        return factor

    @model_validator(mode="after")
    def _has_one_side(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("give either above or below")
        if self.full_at is not None and (
            self.full_at <= self.above if self.above is not None else self.full_at >= (self.below or 0.0)
        ):
            raise ValueError("full_at lies beyond above, or under below")
        return self


def _above(factor: str, above: float, points: float, full_at: float | None = None) -> Points:
    return Points(factor=factor, above=above, points=points, full_at=full_at)


HAND_SET: tuple[Points, ...] = (
    _above("merchant_fraud_7d", 0.02, 60, 0.8),
    _above("merchant_fraud_row", 0, 20, 3),
    _above("device_fraud_30d", 0.02, 40, 0.4),
    _above("card_fraud_30d", 0.02, 60, 0.3),
    _above("ip_fraud_7d", 0.02, 25, 0.4),
    _above("bin_fraud_7d", 0.02, 20, 0.4),
    _above("amount_ratio", 2.5, 60, 8),
    _above("new_user_amount", 200, 20, 1000),
    Points(factor="account_age_days", below=1, points=5),
    _above("customer_count_1h", 3, 15, 10),
    _above("card_count_1h", 3, 20, 10),
    _above("email_count_1h", 3, 15, 10),
    _above("device_count_1h", 4, 20, 12),
    _above("ip_count_1h", 10, 20, 50),
    _above("cards_per_email", 2, 25, 6),
    _above("cards_per_device", 2, 25, 6),
    _above("cards_per_ip", 4, 25, 12),
    _above("emails_per_card", 2, 20, 6),
    _above("devices_per_card", 3, 15, 8),
    _above("card_declines", 1, 20, 5),
    _above("ip_declines", 2, 25, 8),
    _above("device_declines", 2, 25, 8),
    _above("bin_count_1h", 50, 10, 300),
    _above("country_mismatch", 0.5, 12),
    _above("currency_mismatch", 0.5, 5),
    _above("email_bad_syntax", 0.5, 15),
    _above("email_disposable", 0.5, 25),
    _above("email_lookalike", 0.5, 25),
    _above("email_digits", 0.4, 8, 0.9),
    _above("email_tagged", 0.5, 3),
    _above("night", 0.5, 2),
)
"""What is suspicious before anybody has a label.  Each number is a judgement, made to be changed in the policy."""


NOTHING = Score(0.0, ())


class PointsModel:
    """Satisfies ``Model``: the points of all entries that hold, from 0 to 99."""

    kind = "points"
    trained_to = 0.0

    def __init__(self, entries: Sequence[Points] = HAND_SET) -> None:
        steps = [_step(each) for each in entries]
        self._above = [(at, edge, width, points) for at, sign, edge, width, points in steps if sign > 0]
        self._below = [(at, edge, width, points) for at, sign, edge, width, points in steps if sign < 0]
        said = orjson.dumps([each.model_dump() for each in entries])
        self.version = hashlib.sha256(said).hexdigest()[:12]

    def score(self, values: Values) -> Score:
        given = [
            (points if values[at] - edge >= width else points * (values[at] - edge) / width, at, edge)
            for at, edge, width, points in self._above
            if values[at] > edge
        ]
        given += [
            (points if edge - values[at] >= width else points * (edge - values[at]) / width, at, edge)
            for at, edge, width, points in self._below
            if values[at] < edge
        ]
        if not given:
            return NOTHING
        total = sum([each[0] for each in given])
        given.sort(reverse=True)
        told = tuple([Reason(CODES[at], values[at], edge, points) for points, at, edge in given[:TOLD] if points > 0.0])
        return Score(max(0.0, min(total, HIGHEST)), told)


def _step(entry: Points) -> tuple[int, float, float, float, float]:
    """Its feature; 1 where it gives points above the edge, -1 below; the edge; over what width they grow; how many."""
    if entry.above is not None:
        edge, sign = entry.above, 1.0
    else:
        edge, sign = entry.below or 0.0, -1.0
    width = abs(entry.full_at - edge) if entry.full_at is not None else 0.0
    return INDEX[entry.factor], sign, edge, width, entry.points
