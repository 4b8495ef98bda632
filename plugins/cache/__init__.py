"""Answer reads again without the backend: a shared HTTP cache (RFC 9111) in which nobody gets somebody else's data."""

from __future__ import annotations

from gateway import hookimpl

from .component import Cache
from .filter import CacheFilter


@hookimpl
def register_filters() -> list[type[CacheFilter]]:
    return [CacheFilter]


@hookimpl
def register_components() -> list[type[Cache]]:
    return [Cache]
