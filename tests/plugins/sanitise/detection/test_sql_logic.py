from __future__ import annotations

import pytest

from plugins.sanitise.detection.sql_logic import OPERATORS, condition, place_of
from plugins.sanitise.detection.sql_tokens import Budget


def rule(text: str) -> str | None:
    return next((found for match in OPERATORS.finditer(text) if (found := condition(text, match, Budget(1000)))), None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 or 1=1", "sqli.tautology"),
        ("' or 'a'='a", "sqli.tautology"),
        ("admin' or 1--", "sqli.tautology"),
        ("x and 1=1", "sqli.tautology"),
        ("1 and sleep(5)", "sqli.function"),
        ("1 and (select 1 from a)=1", "sqli.subquery"),
        ("1||1=1", "sqli.tautology"),
        ("1 or 1", "sqli.tautology"),
        ("x' or name='admin", "sqli.tautology"),
        ("' or name='admin'--", "sqli.tautology"),
        ("' or 1=any(array[1])--", "sqli.tautology"),
    ],
)
def test_an_appended_condition_is_told(text, expected) -> None:
    assert rule(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1 or 2",
        "black and white",
        "a = 3 and b = 4",
        "'quote' and 'other'",
        "for 1=1",
        "5' or 6'",
        "this or that (one)",
        "ref='a' or ref='b'",
        'reason = "fraud" and status = "lost"',
    ],
)
def test_a_choice_is_no_condition(text) -> None:
    assert rule(text) is None


def test_the_place_is_what_stands_before() -> None:
    assert [place_of(text, len(text)) for text in ("", "a' ", "12) ", "a12 ", "abc", "x=", "'/**/")] == [
        "start", "quote", "number", "word", "word", "other", "quote",
    ]  # fmt: skip
