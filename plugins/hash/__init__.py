"""Replace fields by keyed one-way hashes, by which they can be looked up and not read."""

from __future__ import annotations

from gateway import hookimpl

from .filter import HashFilter


@hookimpl
def register_filters() -> list[type[HashFilter]]:
    return [HashFilter]
