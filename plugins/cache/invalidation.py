"""Invalidation: which targets an unsafe request may have changed (RFC 9111 §4.4)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from gateway import BEGINNINGS, Pieces

from .fields import value_in

_NAMED = BEGINNINGS[b"location"], BEGINNINGS[b"content-location"]


def changed_targets(own: str, answered: Pieces) -> Iterator[str]:
    """Its own, and those that its answer names, of the same origin: nobody lets go of another's."""
    yield own
    for beginning in _NAMED:
        value = value_in(answered, beginning)
        if value is None:
            continue
        try:
            named = urlsplit(urljoin(own, value.decode("latin-1")))
        except ValueError:
            continue
        if named[:2] == urlsplit(own)[:2]:
            yield named._replace(fragment="").geturl()
