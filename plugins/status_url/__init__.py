"""Ask a URL what became of a payment: a status page of the backend, read by JSON pointers."""

from __future__ import annotations

from gateway import hookimpl

from .resolver import StatusUrl


@hookimpl
def register_resolvers() -> list[type[StatusUrl]]:
    return [StatusUrl]
