"""Placing: from a part's entry to its class and its options, or to every reason why not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from gateway.control.draft import PlacedEntry
from gateway.control.policy_parts import Mode
from gateway.control.positions import Document
from gateway.control.problems import Path, Problem
from gateway.control.validation import problems_of
from gateway.parts import Config, Filter, Part
from gateway.spelling import did_you_mean

Role = Literal["filter", "guard", "observer", "component", "resolver"]

_WHERE: Mapping[Role, str] = {
    "filter": "a filter stands in a route's filters",
    "guard": "a guard stands in an upstream's guards",
    "observer": "an observer is named under components",
    "component": "a component is named under components",
    "resolver": "a resolver is named under components.recovery.resolvers",
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A part where the policy puts it.  ``config`` is None where its options have problems."""

    path: Path
    name: str
    mode: Mode
    kind: type[Part[Any]]
    config: Config | None


class Kinds:
    """Every class that a policy may name, by role and name."""

    def __init__(self, kinds: Mapping[Role, Mapping[str, type[Part[Any]]]]) -> None:
        self._kinds = kinds

    def of(self, role: Role) -> Collection[type[Part[Any]]]:
        return self._kinds.get(role, {}).values()

    def place(
        self, entries: Iterable[PlacedEntry], roles: tuple[Role, ...], document: Document, problems: list[Problem]
    ) -> list[Placed | None]:
        """One for each entry, None for one that no class of these roles has the name of."""
        return [self._place(each, roles, document, problems) for each in entries]

    def _place(
        self, each: PlacedEntry, roles: tuple[Role, ...], document: Document, problems: list[Problem]
    ) -> Placed | None:
        entry, path = each.entry, each.path
        known = {name: kind for role in roles for name, kind in self._kinds.get(role, {}).items()}
        if entry.name not in known:
            problems.append(document.problem(path, self._unknown(entry.name, roles, known), at_key=True))
            return None
        kind = known[entry.name]
        problems += (document.problem(path, fault, at_key=True) for fault in _faults(kind, entry.mode))
        config, invalid = configure(kind, entry.options)
        if invalid is not None:
            problems += problems_of(invalid, kind.Config, document, path)
        return Placed(path, entry.name, entry.mode, kind, config)

    def _unknown(self, name: str, roles: tuple[Role, ...], known: Mapping[str, type[Part[Any]]]) -> str:
        for role, kinds in self._kinds.items():
            if name in kinds:
                return f"does not belong here: {_WHERE[role]}"
        return f"no loaded plugin has a {roles[0]} of this name{did_you_mean(name, known)}"


def configure(kind: type[Part[Any]], options: Mapping[str, Any]) -> tuple[Config | None, ValidationError | None]:
    """The options as the part's own Config, or what is wrong with them."""
    try:
        return kind.Config.model_validate(options), None
    except ValidationError as invalid:
        return None, invalid


def _faults(kind: type[Part[Any]], mode: Mode) -> Iterator[str]:
    if "mode" in kind.Config.model_fields:
        yield "its plugin gives it an option `mode`, which is the core's own: that option needs another name"
    if mode == "shadow" and issubclass(kind, Filter) and not kind.shadowable:
        yield "cannot run in shadow: on a copy of the request it means nothing"
