"""What the question of an alert answers of one job, as Prometheus would: shares of what happens in a second."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from promql_parser import AggregateExpr, BinaryExpr, MatchOp, NumberLiteral, ParenExpr, VectorSelector, parse

Happens = Mapping[tuple[tuple[str, str], ...], float]
"""How often, by the labels of each series that there is."""


def fires(question: str, happens: Happens) -> bool:
    return _answer(parse(question), happens) is not None


def _answer(asked: Any, happens: Happens) -> float | None:
    """None where the answer is an empty vector."""
    match asked:
        case NumberLiteral():
            return float(asked.val)
        case ParenExpr():
            return _answer(asked.expr, happens)
        case AggregateExpr():  # sum by (job) (rate(series[time]))
            return _sum(asked.expr.args[0].vector_selector, happens)
        case BinaryExpr():
            return _both(str(asked.op), _answer(asked.lhs, happens), _answer(asked.rhs, happens))
    raise AssertionError(f"{asked} is none of what alerts ask")


def _both(op: str, left: float | None, right: float | None) -> float | None:
    if op == "or":
        return right if left is None else left
    if left is None or right is None:
        return None
    match op:
        case "*":
            return left * right
        case "/":
            return left / right if right else float("inf") if left else float("nan")
        case ">" | "<":
            return left if (left > right if op == ">" else left < right) else None
    raise AssertionError(f"{op} is none of what alerts ask")


def _sum(series: VectorSelector, happens: Happens) -> float | None:
    found = [rate for labels, rate in happens.items() if _matches(series, dict(labels))]
    return sum(found) if found else None


def _matches(series: VectorSelector, labels: Mapping[str, str]) -> bool:
    named = {"__name__": series.name, **{each.name: each.value for each in series.matchers.matchers}}
    assert all(each.op in (MatchOp.Equal, MatchOp.Re) for each in series.matchers.matchers)
    return all(re.fullmatch(value, labels.get(name, "")) for name, value in named.items() if name != "namespace")
