"""Swap card numbers for tokens, keep the numbers in the vault, and show them again where the policy says so."""

from __future__ import annotations

from gateway import Stored, hookimpl

from .filter import TokeniseFilter
from .records import STORED
from .vault import Vault


@hookimpl
def register_filters() -> list[type[TokeniseFilter]]:
    return [TokeniseFilter]


@hookimpl
def register_components() -> list[type[Vault]]:
    return [Vault]


@hookimpl
def register_stored() -> list[Stored]:
    return [STORED]
