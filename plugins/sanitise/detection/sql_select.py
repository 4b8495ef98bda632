"""What follows SELECT: a list of columns and a table, or the rest of a sentence."""

from __future__ import annotations

from .sql_expressions import Facts, ended, expression
from .sql_tokens import Tokens

_QUANTIFIERS = (
    "all", "distinct", "distinctrow", "sql_no_cache", "sql_cache", "sql_calc_found_rows",
    "sql_small_result", "sql_big_result", "sql_buffer_result", "straight_join", "high_priority",
)  # fmt: skip


def select(tokens: Tokens) -> int:
    """Read what follows SELECT: 0: no list of columns; 1: it may be one; 2: it is nothing else."""
    while tokens.take_word(*_QUANTIFIERS):
        pass
    if tokens.take_word("top") and tokens.take_kind("number") and tokens.next.kind == "end":
        return 2
    weight = columns = 0
    while True:
        columns += 1
        column = _column(tokens)
        if column is None:
            return 0
        weight = max(weight, column)
        if not tokens.take_kind(","):
            break
    if tokens.take_word("from", "into"):
        return _from(tokens, weight)
    if not ended(tokens):
        return 0
    return 2 if weight == 2 else int(columns > 1 or weight == 1)


def _column(tokens: Tokens) -> int | None:
    """What one column says: 2 what no sentence has, 1 a constant, 0 a name, None where it is none."""
    if tokens.next.text == "*" and tokens.next.kind == "operator":
        tokens.take()
        return _after_star(tokens)
    facts = Facts()
    if not expression(tokens, facts) or (facts.open is not None and len(facts.open.text) == 1):  # ``'Select'``
        return None
    if tokens.take_word("as"):
        tokens.take()
    elif tokens.next.kind in ("word", "string") and tokens.next.text not in ("from", "into") and not ended(tokens):
        alias = tokens.take()
        if alias.kind == "word" and not facts.calls:
            return None if not ended(tokens) and tokens.next.text != "from" else 0
    if facts.calls or facts.variables or facts.subquery or facts.open or facts.last in ("null", "\\n"):
        return 2
    return 1 if facts.literals else 0


def _after_star(tokens: Tokens) -> int:
    if tokens.next.kind == "end":
        return 1
    return 2 if tokens.next.kind in ("comment", ";", ",") or tokens.next.text in ("from", "into") else 0


def _from(tokens: Tokens, weight: int) -> int:  # noqa: PLR0911 - a table has many neighbours
    """What follows FROM: a table, with an alias at most, and an end."""
    if tokens.take_kind("("):
        return 2
    if tokens.next.kind not in ("word", "variable", "string", "open"):
        return 2 if weight == 2 else 0
    if ended(tokens):
        return 0
    name = tokens.take()
    while tokens.take_kind("."):
        weight = 2
        tokens.take()
    if tokens.next.kind == "(" or "_" in name.text or "$" in name.text or name.text.startswith("`"):
        return 2
    if tokens.next.kind == "word" and not ended(tokens):
        tokens.take_word("as")
        tokens.take()
    if weight == 2:
        return 2
    if tokens.take_word("where"):
        facts = Facts()
        return 2 * (expression(tokens, facts) and (facts.compares or facts.literals > 0))
    if ended(tokens) and (tokens.next.kind in ("comment", ";", ")") or tokens.next.kind == "word"):
        return 2
    return 1 if tokens.next.kind == "end" else 0
