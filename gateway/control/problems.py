"""Problems: what is wrong with a policy, where in its file, and at which path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Path = tuple[str | int, ...]
"""The keys and indexes that lead to a place in a document."""


def written(path: Path) -> str:
    """``routes[0].filters[1].body_limit.most``"""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or looks wrong, in a policy.  Lines and columns are counted from one."""

    source: str
    line: int
    column: int
    path: str
    message: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}:{self.column}"
        level = "warning: " if self.level == "warning" else ""
        return f"{where}: {level}{self.path}: {self.message}" if self.path else f"{where}: {level}{self.message}"


class PolicyError(Exception):
    """A policy that cannot be compiled.  ``problems`` holds every reason, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: (problem.line, problem.column))
        super().__init__("\n".join(map(str, self.problems)))
