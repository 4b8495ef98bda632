"""Leave an upstream alone while it fails, and try it again one request at a time."""

from __future__ import annotations

from gateway import hookimpl

from .board import CircuitBreakers
from .guard import CircuitBreaker


@hookimpl
def register_guards() -> list[type[CircuitBreaker]]:
    return [CircuitBreaker]


@hookimpl
def register_components() -> list[type[CircuitBreakers]]:
    return [CircuitBreakers]
