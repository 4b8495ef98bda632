from __future__ import annotations

import pytest

from plugins.sanitise.detection.sql_clauses import BEGINNING, WORDS, beginning, keyword
from plugins.sanitise.detection.sql_tokens import Budget


def rule(text: str) -> str | None:
    return next((found for match in WORDS.finditer(text) if (found := keyword(text, match, Budget(1000)))), None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-1 union select 1,2", "sqli.union"),
        ("1e0union all select a from b", "sqli.union"),
        ("a; drop table b", "sqli.stacked"),
        ("1 order by 10", "sqli.clause"),
        ("' having 1=1--", "sqli.clause"),
        ("1 into outfile '/tmp/a'", "sqli.clause"),
        ("(select a from b)", "sqli.subquery"),
        ("benchmark(1,2)", "sqli.function"),
        ("waitfor delay '0:0:1'", "sqli.function"),
        ("case when 1=1 then 2 else 3 end", "sqli.expression"),
        ("if(1=1,2,3)", "sqli.expression"),
        ("1 except select 1", "sqli.union"),
        ("' minus select a from b--", "sqli.union"),
        ("' union table users#", "sqli.union"),
        ("1 limit 1 procedure analyse()", "sqli.clause"),
    ],
)
def test_what_a_keyword_begins_is_told(text, expected) -> None:
    assert rule(text) == expected


@pytest.mark.parametrize(
    "text", ["union square; select items only", "reunion select", "order by phone", "having a ball", "limit 10", "sleep (deep)", "case closed", "(select one)", "all except select items", "kid's shirt 'select'"]
)  # fmt: skip
def test_a_keyword_in_a_sentence_is_a_word(text) -> None:
    assert rule(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select * from a", "sqli.statement"),
        ("(1=1)*2", "sqli.expression"),
        ("1-(select 2)", "sqli.subquery"),
        ("select a nice one", None),
        ("5 - 3", None),
        ("1--", "sqli.comment"),
        ("1*1 ; -- -", "sqli.comment"),
        ("12 /*", "sqli.comment"),
        ("1--2", None),
        ("5 -- black", None),
    ],
)
def test_a_whole_text_is_told_by_its_beginning(text, expected) -> None:
    match = BEGINNING.match(text)
    assert (beginning(text, match, Budget(1000)) if match else None) == expected
