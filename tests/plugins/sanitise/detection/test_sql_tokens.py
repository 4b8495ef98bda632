from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.sanitise.detection.sql_tokens import Budget, Exhausted, Tokens


def kinds(text: str) -> list[str]:
    tokens, found = Tokens(text, 0, Budget(1000)), []
    while tokens.next.kind != "end":
        found.append(tokens.take().kind)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 or 1=1", ["number", "word", "number", "operator", "number"]),
        ("'a''b' \"c\" `d`", ["string", "string", "word"]),
        ("'a\\'b'", ["string"]),
        ("'a", ["open"]),
        ("union/**/select/*!50000 1*/", ["word", "word", "number"]),
        ("1--x\n2#y\n3-- z", ["number", "number", "number", "comment"]),
        ("@@version @a :b", ["variable", "variable", "variable"]),
        ("0x41 0b1 1.5e3 .5", ["number"] * 4),
        ("n'a' q'[it's]' $$b$$ x'41'", ["string"] * 4),
        ("a.b(c);", ["word", ".", "word", "(", "word", ")", ";"]),
        ("sleep 1.e(5)", ["word", "(", "number", ")"]),
        ("a<=>b||c", ["word", "operator", "word", "operator", "word"]),
    ],
)
def test_a_text_is_read_as_the_dialects_read_it(text, expected) -> None:
    assert kinds(text) == expected


@given(st.text(alphabet="'\"`/*-#\n ab1.@$([q{!=|\\"))
def test_every_character_is_read_and_reading_ends(text) -> None:
    tokens, at = Tokens(text, 0, Budget(10_000)), 0
    while tokens.next.kind != "end":
        token = tokens.take()
        assert at <= token.start < token.end <= len(text)
        at = token.end


def test_a_budget_ends_the_reading() -> None:
    budget = Budget(10)
    for _ in range(10):
        Tokens("1", 0, budget)
    with pytest.raises(Exhausted):
        Tokens("1", 0, budget)
