"""Diff: what changed between two policies, by path, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gateway.control.explain import Description, flow

_UNCOMPARED = frozenset({"digest", "reads", "requires", "provides"})
"""What follows from the rest."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was.  ``was`` is None where it is new, ``now`` where it is gone."""

    path: str
    kind: Literal["added", "removed", "changed", "moved"]
    was: Any = None
    now: Any = None

    def __str__(self) -> str:
        match self.kind:
            case "added":
                return f"{self.path}: added{_shown(self.now)}"
            case "removed":
                return f"{self.path}: removed{_shown(self.was)}"
            case "moved":
                return f"{self.path}: moved, {self.was} -> {self.now}"
        return f"{self.path}: {flow(self.was)} -> {flow(self.now)}"


def _shown(value: Any) -> str:
    """A named thing is shown by its path alone: its options would fill the screen."""
    return "" if isinstance(value, dict) and "name" in value else f", {flow(value)}"


def diff(old: Description, new: Description) -> list[Change]:
    """Every change, in the order of the new policy; defaults that one of them writes out are none."""
    return list(_compare("", old, new))


def _compare(path: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compare_mappings(path, old, new)
    elif _is_named(old) and _is_named(new) and (old or new):
        yield from _compare_lists(path, old, new)
    elif old != new:
        yield Change(path, "changed", old, new)


def _compare_mappings(path: str, old: Description, new: Description) -> Iterator[Change]:
    for name in [*new, *(name for name in old if name not in new)]:
        place = f"{path}.{name}" if path else name
        if name in _UNCOMPARED:
            continue
        if name not in old:
            yield Change(place, "added", now=new[name])
        elif name not in new:
            yield Change(place, "removed", was=old[name])
        else:
            yield from _compare(place, old[name], new[name])


def _is_named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) and "name" in each for each in value)


def _compare_lists(path: str, old: Sequence[Description], new: Sequence[Description]) -> Iterator[Change]:
    """Routes, upstreams, filters and guards: known by their names, and their order counts."""
    before, after = _by_name(old), _by_name(new)
    for name, each in after.items():
        place = f"{path}[{name}]"
        if name not in before:
            yield Change(place, "added", now=each)
        else:
            yield from _compare(place, before[name], each)
    for name, each in before.items():
        if name not in after:
            yield Change(f"{path}[{name}]", "removed", was=each)
    kept_before = [name for name in before if name in after]
    kept_after = [name for name in after if name in before]
    if kept_before != kept_after:
        yield Change(path, "moved", ", ".join(kept_before), ", ".join(kept_after))


def _by_name(things: Sequence[Description]) -> dict[str, Description]:
    """A filter that a route has twice is told apart by its number."""
    named: dict[str, Description] = {}
    for each in things:
        name, number = each["name"], 2
        while name in named:
            name, number = f"{each['name']}#{number}", number + 1
        named[name] = each
    return named
