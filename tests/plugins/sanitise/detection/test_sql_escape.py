from __future__ import annotations

import pytest

from plugins.sanitise.detection.sql_escape import QUOTES, escape
from plugins.sanitise.detection.sql_tokens import Budget


def rule(text: str) -> str | None:
    return next((found for match in QUOTES.finditer(text) if (found := escape(text, match, Budget(1000)))), None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("admin'--", "sqli.comment"),
        ("admin') #", "sqli.comment"),
        ("'; drop table a", "sqli.stacked"),
        ("a'||(select b from c)||'", "sqli.subquery"),
        ("a'+'b", "sqli.expression"),
        ("','1')--", "sqli.expression"),
        ("' like '%", "sqli.expression"),
        ('"-"', "sqli.expression"),
        ("a'||''", "sqli.expression"),
        ("admin' -- qwer", "sqli.comment"),
        ("'; prepare a from 0x41", "sqli.stacked"),
    ],
)
def test_a_way_out_of_a_string_is_told(text, expected) -> None:
    assert rule(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "o'brien",
        "press '+'",
        "the '=' sign",
        "'a' + 'b'",
        "james' #5",
        "5'-6\"",
        "the dogs'--and cats",
        '"x" -y -z',
        "he said 'no' -- twice",
        "use `select` here",
        "3/4\" by 10' -- black",
    ],
)
def test_a_quote_in_a_text_is_none(text) -> None:
    assert rule(text) is None
