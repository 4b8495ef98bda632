from __future__ import annotations

import pytest

from plugins.sanitise.detection.sql_expressions import Facts, ended, expression
from plugins.sanitise.detection.sql_tokens import Budget, Tokens


def facts(text: str) -> Facts | None:
    """What the text consists of if the whole of it is an expression."""
    tokens, found = Tokens(text, 0, Budget(1000)), Facts()
    return found if expression(tokens, found) and ended(tokens) else None


@pytest.mark.parametrize(
    "text", ["1=1", "'a'='a'", "not 1=2", "(1)=(1)", "a=a", "1 between 0 and 2", "'a' like 'a'", "1 in (1)"]
)
def test_a_comparison_of_constants_is_settled(text) -> None:
    found = facts(text)
    assert found is not None
    assert (found.compares, found.settled or "between" in text or "in" in text) == (True, True)


@pytest.mark.parametrize("text", ["a=1", "name like 'x%'", "a is not null"])
def test_a_comparison_with_the_data_is_not_settled(text) -> None:
    found = facts(text)
    assert found is not None
    assert (found.compares, found.settled) == (True, False)


@pytest.mark.parametrize("text", ["blue mug", "the best = price", "1 2", "and", "=", "", "(a b)"])
def test_a_sentence_is_no_expression(text) -> None:
    assert facts(text) is None


def test_calls_and_subqueries_are_told() -> None:
    found = facts("concat(1,(select 2)) || (select a from b)")
    assert found is not None
    assert (found.calls, found.subquery) == (["concat"], True)


def test_words_in_parentheses_after_a_space_are_no_call() -> None:
    found = facts("large (blue)")
    assert found is not None
    assert (found.calls, found.names) == ([], 1)


def test_the_string_that_is_left_open_is_told() -> None:
    found = Facts()
    expression(Tokens("'a'='a", 0, Budget(100)), found)
    assert found.open is not None


@pytest.mark.parametrize("unit", ["(", "not ", "interval ", "''", "{a ", "case ", "-"])
def test_what_is_nested_or_repeated_does_not_recurse(unit) -> None:
    facts(unit * 900)
