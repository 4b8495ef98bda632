"""Positions: YAML as plain data, and the line and column of everything in it.

The scalars are those of YAML 1.2's core schema, so ``off``, ``12:30`` and ``2026-11-23`` stay text.  What makes a
document mean something else than it shows is refused: repeated keys, anchors, aliases, merges and tags.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from gateway.control.problems import Path, PolicyError, Problem, written

_WORDS = {"": None, "~": None} | {
    form: value
    for word, value in {"null": None, "true": True, "false": False}.items()
    for form in (word, word.capitalize(), word.upper())
}
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...] = (
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text, 16)),
    (re.compile(r"0o[0-7]+"), lambda text: int(text, 8)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
)
_LONGEST_NUMBER = 40
"""More digits than any option needs, and fewer than Python refuses to read."""

_CORE_TAG = "tag:yaml.org,2002:"


class Position(NamedTuple):
    """Counted from one, as editors do."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """A policy file, read: its data, and where each key stands and each value begins."""

    source: str
    data: Any = None
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)

    def problem(self, path: Path, message: str, *, at_key: bool = False) -> Problem:
        """A problem of what ``path`` leads to; where it leads to nothing, it stands at the nearest thing around it."""
        place = path
        while place and place not in self.values:
            place = place[:-1]
        position = self.values.get(place, Position(1, 1))
        if at_key or place != path:
            position = self.keys.get(place, position)
        return Problem(self.source, *position, written(path), message)


def read(text: str, source: str) -> Document:
    """The document in ``text``; PolicyError with everything that makes it unreadable or ambiguous."""
    try:
        root = YAML().compose(text)
    except MarkedYAMLError as error:
        raise PolicyError([_syntax_problem(error, source)]) from None
    except ReaderError as error:
        raise PolicyError([_character_problem(error, text, source)]) from None
    except RecursionError:
        raise PolicyError([Problem(source, 1, 1, "", "is nested too deeply to be a policy")]) from None
    if root is None or (isinstance(root, ScalarNode) and not root.value):
        raise PolicyError([Problem(source, 1, 1, "", "is empty; a policy begins with version: 1")])
    if not isinstance(root, MappingNode):
        message = "a policy is a mapping that begins with version: 1"
        raise PolicyError([Problem(source, *_position(root), "", message)])
    reading = _Reading(source)
    document = Document(source, reading.value(root, ()), reading.keys, reading.values)
    if reading.problems:
        raise PolicyError(reading.problems)
    return document


class _Reading:
    """One walk over the nodes; what it refuses is noted, so that the walk finds all of it."""

    def __init__(self, source: str) -> None:
        self.keys: dict[Path, Position] = {}
        self.values: dict[Path, Position] = {}
        self.problems: list[Problem] = []
        self._source = source
        self._anchored: set[int] = set()

    def value(self, node: Node, path: Path) -> Any:
        self.values[path] = _position(node)
        if node.anchor:
            return self._refuse_anchor(node, path)
        if not str(node.tag).startswith(_CORE_TAG):
            return self._refuse(node, path, f"a policy has no tags: remove {node.tag}")
        match node:
            case MappingNode():
                return self._mapping(node, path)
            case SequenceNode():
                return [self.value(item, (*path, number)) for number, item in enumerate(node.value)]
            case ScalarNode():
                return _scalar(node)
            case _:
                raise TypeError(f"a node of an unknown kind: {node!r}")

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        taken: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._refuse(key, path, "a key is plain text")
                continue
            name, place = str(key.value), (*path, key.value)
            if name == "<<":
                self._refuse(key, place, "a policy has no merge keys: write the options out")
            elif name in taken:
                first = self.keys[place]
                self._refuse(key, place, f"is given twice; the first is in line {first.line}")
            else:
                self.keys[place] = _position(key)
                taken[name] = self.value(value, place)
        return taken

    def _refuse_anchor(self, node: Node, path: Path) -> None:
        """An alias is the node of its anchor again: it is named once, and never walked, as it may hold itself."""
        if id(node) not in self._anchored:
            self._anchored.add(id(node))
            self._refuse(node, path, f"a policy has no anchors or aliases: remove &{node.anchor}, write it out")

    def _refuse(self, node: Node, path: Path, message: str) -> None:
        self.problems.append(Problem(self._source, *_position(node), written(path), message))


def _scalar(node: ScalarNode) -> Any:
    text = str(node.value)
    if node.style is not None:  # quoted, or a block
        return text
    if text in _WORDS:
        return _WORDS[text]
    return text if len(text) > _LONGEST_NUMBER else _number(text)


def _number(text: str) -> Any:
    for pattern, number in _NUMBERS:
        if pattern.fullmatch(text):
            value = number(text)
            return value if math.isfinite(value) else text
    return text


def _position(node: Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def _syntax_problem(error: MarkedYAMLError, source: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    position = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
    message = str(error.problem or error.context)
    if "'\\t'" in message:
        message = "a tab cannot indent: use spaces"
    elif error.context and error.context_mark:
        message = f"{message} ({error.context} that begins in line {error.context_mark.line + 1})"
    return Problem(source, *position, "", f"is not YAML: {message}")


def _character_problem(error: ReaderError, text: str, source: str) -> Problem:
    before = text[: error.position]
    position = Position(before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1)
    return Problem(source, *position, "", f"is not YAML: the character {text[error.position]!r} is not allowed")
