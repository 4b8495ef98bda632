"""Cleaning: markup that does something is taken out of a text, or written as text."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TypeAlias

from .options import FieldEntry

Clean: TypeAlias = Callable[[str], str]

RESOLVED = frozenset({"xss"})
"""The families of which nothing is left in a text that was cleaned."""


def cleaner(entry: FieldEntry) -> Clean:
    """What makes a text safe to be shown as HTML, as the entry has it."""
    if entry.clean == "escape":
        return html.escape
    import nh3  # noqa: PLC0415 - for routes that clean

    if entry.clean == "strip":
        return nh3.Cleaner(tags=set()).clean
    return nh3.Cleaner(tags=None if entry.elements is None else set(entry.elements)).clean
