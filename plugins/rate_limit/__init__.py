"""Refuse what comes too often, by whom it comes; and leave out for a while who does not stop."""

from __future__ import annotations

from gateway import hookimpl

from .blocks import Blocks
from .filter import RateLimit


@hookimpl
def register_filters() -> list[type[RateLimit]]:
    return [RateLimit]


@hookimpl
def register_components() -> list[type[Blocks]]:
    return [Blocks]
