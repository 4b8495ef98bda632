"""The file of a model: JSON with its features, its numbers and its calibration, checked before any of it is used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gateway import did_you_mean

from .features import CODES, INDEX, MEANING
from .scoring import Calibration

FORM = 1
"""The form of the file.  One of another form is refused."""

Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False, strict=False)]


class Piece(BaseModel):
    """Base of all that a file is made of: unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Trained(Piece):
    """What a model was trained on.  A backtest judges only what came after."""

    on: str
    payments: int
    frauds: int
    since: Number
    """The time of the first payment."""
    to: Number
    """The time of the last."""
    left_out: dict[str, str]
    """Features that it does not use, and why not."""


class ModelFile(Piece):
    """What the files of all kinds of model say."""

    payguard_fraud_model: Literal[1]
    """``FORM``."""
    meaning: int
    """``MEANING`` of the features that it was trained on."""
    calibration: list[tuple[Number, Number]]
    """Knots from the model's own sum to a score."""
    trained: Trained

    @field_validator("meaning")
    @classmethod
    def _means_the_same(cls, meaning: int) -> int:
        if meaning != MEANING:
            raise ValueError(
                f"it was trained on features of version {meaning}, this is version {MEANING}: train it again"
            )
        return meaning

    @field_validator("calibration")
    @classmethod
    def _leads_to_a_score(cls, knots: list[tuple[float, float]]) -> list[tuple[float, float]]:
        Calibration(knots)
        return knots

    @staticmethod
    def check_features(codes: Iterable[str]) -> None:
        """ValueError where one is none of this code's."""
        for code in codes:
            if code not in INDEX:
                raise ValueError(
                    f"it needs a feature {code!r}, which this version does not compute{did_you_mean(code, CODES)}"
                )
