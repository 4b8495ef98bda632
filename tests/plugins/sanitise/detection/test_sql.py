from __future__ import annotations

import pytest

from plugins.sanitise.detection import Kind
from plugins.sanitise.detection.sql import TOKENS, judge


def rules(text: str) -> set[str]:
    return {hit.rule.id for hit in judge(text, Kind.VALUE)}


@pytest.mark.parametrize(
    "text", ["1'or'1'='1", "-1+union+select+1,2", "uni/**/on sel/**/ect 1,2", "1/*!50000or*/1=1", "' OR 1=1 -- "]
)
def test_an_injection_is_found_however_its_words_are_kept_apart(text) -> None:
    assert rules(text) != set()


def test_the_excerpt_is_what_convinced() -> None:
    [hit] = judge("a long story' or 1=1", Kind.VALUE)
    assert "' or 1=1" in hit.excerpt


def test_a_text_with_more_ways_out_of_a_string_than_any_has_is_refused() -> None:
    assert rules("'-a b" * TOKENS) == {"sqli.evasion"}
