"""The options of ``concurrency``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway import Config, Duration

Count = Annotated[int, Field(ge=1)]
Some = Annotated[Duration, Field(gt=0)]
Priority = Annotated[int, Field(ge=0, le=10)]


class ConcurrencyConfig(Config):
    latency: Some = 1.0
    """How long the upstream may take on average, from the request to the head of its answer, under load.  While it
    takes longer the limit shrinks; two or three times what it takes when it is quiet is a good choice."""

    latencies: dict[str, Some] = Field(default_factory=dict)
    """The same for routes that usually take longer, or less long, by their names."""

    least: Count = 5
    """What the limit never falls below."""

    most: Count = 100
    """What the limit never rises above, and begins with."""

    waiting: Annotated[int, Field(ge=0)] = 100
    """How many requests may wait for a place."""

    wait: Some = 1.0
    """How long each of them waits."""

    priorities: dict[str, Priority] = Field(default_factory=dict)
    """Which routes go first where requests wait, by their names, from 0 to 10: the highest first, and the lowest is
    the first to be refused.  A route that is not named has 5."""

    @model_validator(mode="after")
    def _room(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least is {self.least}, which is more than most, {self.most}")
        return self
