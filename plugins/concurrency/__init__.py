"""Send an upstream no more at once than it answers in time; what is over waits shortly, or is refused."""

from __future__ import annotations

from gateway import hookimpl

from .board import Limits
from .guard import Concurrency


@hookimpl
def register_guards() -> list[type[Concurrency]]:
    return [Concurrency]


@hookimpl
def register_components() -> list[type[Limits]]:
    return [Limits]
