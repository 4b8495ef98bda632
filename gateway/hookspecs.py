"""The hooks.  ``docs/hooks.md`` documents each with its signature; a test holds the two together.

``register_*`` hooks run once, while the gateway starts, and return what they add.  ``policy_*`` hooks report what
happened.  No hook runs per request, and none is awaited: what needs to await does so in ``open``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from gateway.control.settings import Settings
    from gateway.crypto.protocol import Keyring
    from gateway.crypto.stored import Stored
    from gateway.database.protocol import Database
    from gateway.ledger.protocol import Ledger
    from gateway.parts import Component, Filter, Guard, Observer, Resolver
    from gateway.store.protocol import Store

PROJECT = "payguard"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_filters() -> Iterable[type[Filter[Any]]]:
    """Return the filter classes that a route may name"""


@hookspec
def register_guards() -> Iterable[type[Guard[Any]]]:
    """Return the guard classes that an upstream may name"""


@hookspec
def register_observers() -> Iterable[type[Observer[Any]]]:
    """Return the observer classes that a policy's components may name"""


@hookspec
def register_components() -> Iterable[type[Component[Any]]]:
    """Return the component classes that a policy's components may name"""


@hookspec
def register_resolvers() -> Iterable[type[Resolver[Any]]]:
    """Return the resolver classes that a policy's ``recovery`` may name"""


@hookspec
def register_commands() -> Iterable[click.Command]:
    """Return click commands that ``payguard`` gains"""


@hookspec
def register_stored() -> Iterable[Stored]:
    """Return the columns in which a plugin stores what a keyring has sealed"""


@hookspec(firstresult=True)
def create_store(settings: Settings) -> Store | None:
    """Return a store if the settings ask for one that this plugin serves, else None"""


@hookspec(firstresult=True)
def create_ledger(settings: Settings, database: Database) -> Ledger | None:
    """Return a ledger if the settings ask for one that this plugin serves, else None"""


@hookspec(firstresult=True)
def create_keyring(settings: Settings) -> Keyring | None:
    """Return a keyring if the settings ask for one that this plugin serves, else None"""


@hookspec
def policy_activated(digest: str, previous: str | None) -> None:
    """A policy now serves; ``previous`` is the digest of the one it replaced, None at start"""


@hookspec
def policy_rejected(source: str, error: Exception) -> None:
    """A policy could not be activated; the one in force stays"""
