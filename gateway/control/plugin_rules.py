"""What a plugin's hooks and parts must be.  Each rule yields a sentence that says what is wrong and how to mend it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, get_args

from gateway import hookspecs
from gateway.exchange import Reads
from gateway.parts import Config, Filter, Part
from gateway.spelling import did_you_mean

MARK = f"{hookspecs.PROJECT}_impl"
NAME = re.compile(r"[a-z][a-z0-9_]*")
SPECIFICATIONS: Mapping[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(function).parameters)
    for name, function in vars(hookspecs).items()
    if hasattr(function, f"{hookspecs.PROJECT}_spec")
}
"""Each hook and the arguments that it offers."""

_TUPLES: Mapping[str, type] = {"requires": type, "provides": type, "provides_up": str, "rejects_up": str}


def hook_faults(module: ModuleType) -> Iterator[tuple[int, str]]:
    """The line in the module's file, and what is wrong there."""
    functions = {name: value for name, value in vars(module).items() if inspect.isroutine(value)}
    marked = {name: function for name, function in functions.items() if hasattr(function, MARK)}
    for name, function in functions.items():
        if name in SPECIFICATIONS and name not in marked and function.__module__ == module.__name__:
            yield _line(function), f"{name} is never called; put @hookimpl before it"
    if not marked:
        yield 1, "it implements no hook; add one, such as @hookimpl def register_filters(): return [...]"
    for name, function in marked.items():
        for fault in _function_faults(name, function):
            yield _line(function), fault


def _function_faults(name: str, function: Callable[..., Any]) -> Iterator[str]:
    options = getattr(function, MARK)
    hook = options.get("specname") or name
    if hook not in SPECIFICATIONS:
        yield f"no hook is named {hook!r}{did_you_mean(hook, SPECIFICATIONS)}"
        return
    if options.get("wrapper") or options.get("hookwrapper"):
        yield f"{hook} may not be a wrapper; a plugin speaks for itself only"
    if inspect.iscoroutinefunction(function):
        yield f"{hook} must be a plain def: no hook is awaited (what needs to await does so in open)"
    offered = SPECIFICATIONS[hook]
    for argument in inspect.signature(function).parameters:
        if argument not in offered:
            takes = f"it may take {', '.join(offered)}" if offered else "it takes none"
            yield f"{hook} has no argument {argument!r}; {takes}"


def part_faults(kind: object, base: type[Part[Any]]) -> Iterator[str]:
    if not (isinstance(kind, type) and issubclass(kind, base)):
        given = kind.__name__ if isinstance(kind, type) else repr(kind)
        yield f"{given} is not a class derived from {base.__name__}"
        return
    name = getattr(kind, "name", None)
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        yield f'{kind.__name__} needs a name of small letters, digits and _, such as name = "{_snake(kind.__name__)}"'
    yield from _config_faults(kind)
    yield from _method_faults(kind, base)
    if issubclass(kind, Filter):
        yield from _declaration_faults(kind)


def _config_faults(kind: type[Part[Any]]) -> Iterator[str]:
    if not (isinstance(kind.Config, type) and issubclass(kind.Config, Config)):
        yield f"{kind.__name__}.Config must be a class derived from gateway.Config"
        return
    if any("mode" in (name, field.alias) for name, field in kind.Config.model_fields.items()):
        yield f"{kind.__name__}.Config has a field named mode, which is the core's own; name it otherwise"
    for parent in getattr(kind, "__orig_bases__", ()):
        for argument in get_args(parent):
            if isinstance(argument, type) and issubclass(argument, Config) and not issubclass(kind.Config, argument):
                yield f"{kind.__name__} takes {argument.__name__} but does not say Config = {argument.__name__}"


def _method_faults(kind: type[Part[Any]], base: type[Part[Any]]) -> Iterator[str]:
    methods = {
        name: method
        for owner in (Part, base)
        for name, method in vars(owner).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }
    for name, method in methods.items():
        own = getattr(kind, name)
        if name == "admit":  # a guard may answer at once or be awaited
            continue
        if inspect.iscoroutinefunction(method) and not inspect.iscoroutinefunction(own):
            yield f"{kind.__name__}.{name} must be async def"
        if inspect.iscoroutinefunction(own) and not inspect.iscoroutinefunction(method):
            yield f"{kind.__name__}.{name} must be a plain def: it is not awaited"
    phases = [name for name in methods if name.startswith("on_")]
    for name in dir(kind):
        if name.startswith("on_") and name not in phases and (hint := did_you_mean(name, phases)):
            yield f"{kind.__name__}.{name} is never called{hint}"


def _declaration_faults(kind: type[Filter[Any]]) -> Iterator[str]:
    if not isinstance(kind.reads, Reads | property):
        yield f"{kind.__name__}.reads must be a Reads, such as Reads.REQUEST"
    for name, member in _TUPLES.items():
        value: object = getattr(kind, name)
        if isinstance(value, property):
            continue
        if not (isinstance(value, tuple) and all(isinstance(each, member) for each in value)):
            example = "(Principal,)" if member is type else '("clear_text",)'
            yield f"{kind.__name__}.{name} must be a tuple, such as {example}"


def _line(function: Callable[..., Any]) -> int:
    return inspect.unwrap(function).__code__.co_firstlineno if hasattr(function, "__code__") else 1


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
