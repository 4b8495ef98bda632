"""Attacks stop here, by field and by meaning: SQL injection, scripts and others, and bodies that have two meanings."""

from __future__ import annotations

from gateway import hookimpl

from .filter import SanitiseFilter


@hookimpl
def register_filters() -> list[type[SanitiseFilter]]:
    return [SanitiseFilter]
