"""Answer reads again without the backend: a shared HTTP cache (RFC 9111) in which nobody gets somebody else's data."""

from __future__ import annotations

from typing import Any

from gateway import Filter, hookimpl

from .clearing import Clears
from .component import Cache
from .filter import CacheFilter


@hookimpl
def register_filters() -> list[type[Filter[Any]]]:
    return [CacheFilter, Clears]


@hookimpl
def register_components() -> list[type[Cache]]:
    return [Cache]
