"""Execute a request once, however often it is sent: its repeats get the first answer again."""

from __future__ import annotations

from gateway import hookimpl

from .filter import IdempotencyFilter


@hookimpl
def register_filters() -> list[type[IdempotencyFilter]]:
    return [IdempotencyFilter]
