"""Encrypt fields of requests or answers, and show them again where the policy says so."""

from __future__ import annotations

from gateway import hookimpl

from .filter import EncryptFilter


@hookimpl
def register_filters() -> list[type[EncryptFilter]]:
    return [EncryptFilter]
