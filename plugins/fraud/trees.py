"""Boosted trees of depth two: what a payment adds up to over some two hundred small questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, Self, TypeAlias

from pydantic import Field, model_validator

from .features import INDEX, Values
from .files import ModelFile, Number, Piece
from .scoring import Calibration, Score, reasons_of

Sum: TypeAlias = Callable[[Values], list[float]]


class Branch(Piece):
    """A question under another.  The left side is for values up to the threshold."""

    feature: str
    threshold: Number
    left: Number
    right: Number


class Side(Piece):
    """One side of a tree's first question: what it adds by itself, and what a second question adds to that."""

    adds: Number
    then: Branch | None = None


class Tree(Piece):
    """A first question, and its sides."""

    feature: str
    threshold: Number
    left: Side
    right: Side

    def features(self) -> Iterator[str]:
        yield self.feature
        yield from (side.then.feature for side in (self.left, self.right) if side.then is not None)


class TreesFile(ModelFile):
    """The file of boosted trees."""

    kind: Literal["trees"]
    intercept: Number
    baselines: dict[str, Number]
    """The usual value of each feature that a tree asks for."""
    trees: list[Tree] = Field(min_length=1, max_length=2_000)

    @model_validator(mode="after")
    def _is_of_this_code(self) -> Self:
        self.check_features(self.baselines)
        if missing := self.used() - self.baselines.keys():
            raise ValueError(f"no baseline for {', '.join(sorted(missing))}")
        return self

    def used(self) -> set[str]:
        return {feature for tree in self.trees for feature in tree.features()}


class TreesModel:
    """Satisfies ``Model``.

    The questions are asked by a function of Python that is written from the file's numbers: it takes a third of the
    time of a loop over them, and nothing of the file but numbers and the places of known features goes into it.
    """

    kind = "trees"

    def __init__(self, file: TreesFile, version: str) -> None:
        self.version, self.trained_to = version, file.trained.to
        self._intercept = file.intercept
        self._calibration = Calibration(file.calibration)
        self._used = sorted(INDEX[code] for code in file.used())
        self._baselines = {INDEX[code]: value for code, value in file.baselines.items()}
        self._parts = _compiled(file.trees, self._used)

    def raw(self, values: Values) -> float:
        """The log-odds, before they are calibrated."""
        return self._intercept + sum(self._parts(values))

    def score(self, values: Values) -> Score:
        parts = self._parts(values)
        score = self._calibration(self._intercept + sum(parts))
        return Score(score, reasons_of(parts, self._used, values, self._baselines, score))


def _compiled(trees: list[Tree], used: list[int]) -> Sum:
    """A function from values to each used feature's part of the sum."""
    lines = ["def parts(v):"]
    lines += [f" v{at} = v[{at}]" for at in used]
    lines.append(f" {' = '.join(f's{at}' for at in used)} = 0.0")
    for tree in trees:
        lines += _written(tree)
    lines.append(f" return [{', '.join(f's{at}' for at in used)}]")
    names: dict[str, Sum] = {}
    exec(compile("\n".join(lines), "<boosted trees>", "exec"), {}, names)  # noqa: S102 - see the class
    return names["parts"]


def _written(tree: Tree) -> Iterator[str]:
    at = INDEX[tree.feature]
    yield f" if v{at} <= {tree.threshold!r}:"
    yield from _side(at, tree.left)
    yield " else:"
    yield from _side(at, tree.right)


def _side(at: int, side: Side) -> Iterator[str]:
    then = side.then
    if then is None or INDEX[then.feature] != at:
        yield f"  s{at} += {side.adds!r}"
    if then is not None:
        below, alone = INDEX[then.feature], 0.0
        if below == at:
            alone = side.adds
        yield f"  if v{below} <= {then.threshold!r}: s{below} += {then.left + alone!r}"
        yield f"  else: s{below} += {then.right + alone!r}"
