"""Swap card numbers for tokens, keep the numbers in the vault, and show them again where the policy says so."""

from __future__ import annotations

from gateway import hookimpl

from .filter import TokeniseFilter
from .vault import Vault


@hookimpl
def register_filters() -> list[type[TokeniseFilter]]:
    return [TokeniseFilter]


@hookimpl
def register_components() -> list[type[Vault]]:
    return [Vault]
