"""Where plugins come from: entry points that the settings name, and directories that things are dropped into."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from gateway.spelling import did_you_mean

GROUP = "payguard.plugins"
PACKAGE = "plugins"
NOT_PLUGINS = ("conftest", "test_*", "tests", "_*", ".*")
"""What may lie in a plugin directory without being one."""


class PluginError(Exception):
    """A plugin that cannot be taken: one line that says what, where, and how to mend it."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


@dataclass(frozen=True, slots=True)
class Plugin:
    """A loaded plugin: the name it was asked for by, its module, and the file that it came from."""

    name: str
    module: ModuleType

    @property
    def file(self) -> str:
        return getattr(self.module, "__file__", None) or self.module.__name__


def import_all(names: Iterable[str], directories: Iterable[Path]) -> list[Plugin]:
    """Every plugin, imported.  PluginError for the first that is not there, not importable, or named as another is."""
    found: dict[str, Plugin] = {}
    for name, module in [*installed(names), *dropped_in(directories)]:
        if name in found:
            raise PluginError(f"two plugins are named {name!r}; the first is {found[name].file}: rename the second")
        found[name] = Plugin(name, _import(name, module))
    return list(found.values())


def installed(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The module of each entry point.  Being installed is not enough: only those that are named are looked for."""
    offered = entry_points(group=GROUP)
    for name in dict.fromkeys(names):
        modules = sorted({point.module for point in offered.select(name=name)})
        if not modules:
            hint = did_you_mean(name, offered.names)
            raise PluginError(f"no installed package provides the plugin {name!r} (entry points of {GROUP}){hint}")
        if len(modules) > 1:
            raise PluginError(f"the plugin {name!r} is provided by {' and '.join(modules)}; uninstall all but one")
        yield name, modules[0]


def dropped_in(directories: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Every file and folder of the directories, as ``plugins.<name>``; they are searched after the built-in ones."""
    roots = [Path(each).absolute() for each in dict.fromkeys(directories)]
    package = importlib.import_module(PACKAGE)
    package.__path__ = [str(Path(package.__file__ or "").parent), *map(str, roots)]
    importlib.invalidate_caches()
    for root in roots:
        for path in _candidates(root):
            _claim_name(path)
            yield path.stem, f"{PACKAGE}.{path.stem}"


def is_passed_over(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in NOT_PLUGINS)


def _candidates(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        raise PluginError(f"the plugin directory {root} is not a directory")
    for path in sorted(root.iterdir()):
        if is_passed_over(path.name.removesuffix(".py")):
            continue
        if path.is_dir() and any(path.glob("*.py")) and not (path / "__init__.py").is_file():
            raise PluginError(f"the folder {path} has no __init__.py; a plugin's hooks stand there")
        if _origin(path).suffix == ".py" and _origin(path).is_file():
            if not path.stem.isidentifier():
                raise PluginError(f"{path} cannot be imported under this name; use letters, digits and _")
            yield path


def _claim_name(path: Path) -> None:
    """Make sure that ``plugins.<name>`` is this path and no other; forget what an earlier load had there."""
    name = f"{PACKAGE}.{path.stem}"
    found = PathFinder.find_spec(name, sys.modules[PACKAGE].__path__)
    if found is None or found.origin != str(_origin(path)):
        raise PluginError(f"the name of the plugin {path} is taken by {found and found.origin}; rename it")
    known = sys.modules.get(name)
    if known is not None and known.__file__ != found.origin:
        for module in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
            del sys.modules[module]


def _origin(path: Path) -> Path:
    return path / "__init__.py" if path.is_dir() else path


def _import(name: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise PluginError(f"the plugin {name!r} cannot be imported: {told(error)}") from error


def told(error: BaseException) -> str:
    """An exception in one line, with the place where it was raised."""
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg} ({error.filename}:{error.lineno})"
    frames = [
        each
        for each in traceback.extract_tb(error.__traceback__)
        if each.filename != __file__ and "importlib" not in each.filename
    ]
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{where}"
