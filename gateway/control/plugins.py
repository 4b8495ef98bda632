"""The plugin host: register what was found, refuse what does not fit, and keep what the rest contributes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click
import pluggy

from gateway import API_VERSION, hookspecs
from gateway.control.core_parts import NAMES
from gateway.control.plugin_rules import hook_faults, part_faults
from gateway.control.plugin_sources import Plugin, PluginError, import_all, told
from gateway.crypto.stored import Stored
from gateway.parts import Component, Filter, Guard, Observer, Part, Resolver

if TYPE_CHECKING:
    from gateway.control.settings import Settings

__all__ = ["Plugin", "PluginError", "Plugins", "Registry", "load_plugins"]


@dataclass(frozen=True, slots=True)
class Registry:
    """Every part that a policy may name, by that name."""

    filters: Mapping[str, type[Filter[Any]]] = field(default_factory=dict)
    guards: Mapping[str, type[Guard[Any]]] = field(default_factory=dict)
    observers: Mapping[str, type[Observer[Any]]] = field(default_factory=dict)
    components: Mapping[str, type[Component[Any]]] = field(default_factory=dict)
    resolvers: Mapping[str, type[Resolver[Any]]] = field(default_factory=dict)

    def parts(self) -> Iterator[type[Part[Any]]]:
        for kinds in (self.filters, self.guards, self.observers, self.components, self.resolvers):
            yield from kinds.values()


@dataclass(frozen=True, slots=True)
class Plugins:
    """What the process knows of its plugins.  ``hooks`` is for coarse events; nothing here is used per request."""

    hooks: pluggy.HookRelay
    registry: Registry
    commands: tuple[click.Command, ...]
    stored: tuple[Stored, ...]
    loaded: tuple[Plugin, ...]
    owners: Mapping[str, Plugin]

    def origin(self, name: str) -> Plugin:
        """The plugin that contributes the part or the command of this name; KeyError where none does."""
        return self.owners[name]


def load_plugins(settings: Settings) -> Plugins:
    """The plugins that the settings name; PluginError for the first that cannot be taken."""
    return assemble(import_all(settings.plugins, settings.plugin_dirs))


def assemble(plugins: list[Plugin]) -> Plugins:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for plugin in plugins:
        _register(manager, plugin)
    manager.check_pending()
    contributions = _Contributions(plugins, manager)
    registry = Registry(
        filters=contributions.parts("register_filters", Filter),
        guards=contributions.parts("register_guards", Guard),
        observers=contributions.parts("register_observers", Observer),
        components=contributions.parts("register_components", Component),
        resolvers=contributions.parts("register_resolvers", Resolver),
    )
    if both := sorted(registry.observers.keys() & registry.components.keys()):
        owner = contributions.owners[both[0]]
        raise _refusal(owner, f"an observer and a component are both named {both[0]!r}; rename one")
    commands, stored = contributions.commands(), contributions.stored()
    return Plugins(manager.hook, registry, commands, stored, tuple(plugins), contributions.owners)


def _register(manager: pluggy.PluginManager, plugin: Plugin) -> None:
    asked = getattr(plugin.module, "PAYGUARD_API", API_VERSION)
    if asked != API_VERSION:
        raise _refusal(plugin, f"it was written for API {asked!r}; this gateway has API {API_VERSION}")
    if found := next(hook_faults(plugin.module), None):
        line, fault = found
        raise _refusal(plugin, fault, line)
    try:
        manager.register(plugin.module, plugin.name)
    except (pluggy.PluginValidationError, ValueError) as error:
        raise _refusal(plugin, str(error)) from error


class _Contributions:
    """What plugins return from ``register_*``, checked, in their order, each name owned by one plugin."""

    def __init__(self, plugins: list[Plugin], manager: pluggy.PluginManager) -> None:
        self.owners: dict[str, Plugin] = {}
        self._plugins = plugins
        self._hooks = manager.hook

    def parts(self, hook: str, base: type[Any]) -> dict[str, type[Any]]:
        taken: dict[str, type[Any]] = {}
        for plugin, kind in self._returned(hook):
            if fault := next(part_faults(kind, base), None):
                raise _refusal(plugin, f"{hook}: {fault}")
            self._own(kind.name, plugin, taken)
            taken[kind.name] = kind
        return taken

    def commands(self) -> tuple[click.Command, ...]:
        taken: dict[str, click.Command] = {}
        for plugin, command in self._returned("register_commands"):
            if not (isinstance(command, click.Command) and command.name):
                raise _refusal(plugin, f"register_commands: {command!r} is not a click command with a name")
            self._own(command.name, plugin, taken)
            taken[command.name] = command
        return tuple(taken.values())

    def stored(self) -> tuple[Stored, ...]:
        taken: list[Stored] = []
        for plugin, each in self._returned("register_stored"):
            if not isinstance(each, Stored):
                raise _refusal(plugin, f"register_stored: {each!r} is not a Stored")
            taken.append(each)
        return tuple(taken)

    def _returned(self, hook: str) -> Iterator[tuple[Plugin, Any]]:
        """Plugin by plugin, so that each thing has an owner; pluggy's own call would mix them."""
        implementations = getattr(self._hooks, hook).get_hookimpls()
        for plugin in self._plugins:
            for implementation in implementations:
                if implementation.plugin is plugin.module:
                    yield from ((plugin, thing) for thing in _call(plugin, hook, implementation.function))

    def _own(self, name: str, plugin: Plugin, taken: Mapping[str, object]) -> None:
        """A name belongs to one plugin, whatever it names there, so that `whose is this?` has one answer."""
        if name in NAMES:
            raise _refusal(plugin, f"the name {name!r} is taken by the gateway's own; rename it")
        owner = self.owners.setdefault(name, plugin)
        if owner is not plugin or name in taken:
            raise _refusal(plugin, f"the name {name!r} is taken by {owner.name!r} ({owner.file}); rename it")


def _call(plugin: Plugin, hook: str, function: Callable[[], Any]) -> list[Any]:
    try:
        returned = function()
        if isinstance(returned, Iterable):
            return list(returned)
    except Exception as error:
        raise _refusal(plugin, f"{hook} failed: {told(error)}") from error
    raise _refusal(plugin, f"{hook} returned {returned!r}; it must return a list")


def _refusal(plugin: Plugin, what: str, line: int | None = None) -> PluginError:
    where = plugin.file if line is None else f"{plugin.file}:{line}"
    return PluginError(f"the plugin {plugin.name!r} ({where}) is refused: {what}")
