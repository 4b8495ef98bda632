from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.sanitise.detection.html_tokens import MOST_ATTRIBUTES, MOST_OVERLAPPING, TooMany, tags


def read(text: str) -> list[tuple[str, dict[str, str | None]]]:
    return [(tag.name, dict(tag.attributes)) for tag in tags(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<IMG SRC='a b' onerror=x>", ("img", {"src": "a b", "onerror": "x"})),
        ("<svg/onload=x()//", ("svg", {"onload": "x()//"})),
        ('<a "x\ty = "1">', ("a", {'"x': None, "y": "1"})),
        ("<x a=1\nb>", ("x", {"a": "1", "b": None})),
        ("<a href=`x`", ("a", {"href": "`x`"})),
        ("<b", ("b", {})),
    ],
)
def test_a_tag_is_read_as_a_browser_reads_it(text, expected) -> None:
    assert read(text) == [expected]


@pytest.mark.parametrize("text", ["a < b", "<3", "<>", "< b>", "<_>"])
def test_what_is_no_tag_to_a_browser_is_none(text) -> None:
    assert read(text) == []


def test_a_tag_that_begins_inside_of_another_is_read_too() -> None:
    assert [name for name, _ in read('<a b="<img src=x>">')] == ["a", "img"]


@pytest.mark.parametrize("text", ["<a b=" * (MOST_OVERLAPPING + 2), "<a " + "b " * (MOST_ATTRIBUTES + 2)])
def test_more_than_any_text_has_is_not_read(text) -> None:
    with pytest.raises(TooMany):
        list(tags(text))


@given(st.text(alphabet="<>/='\"` ab\n\x00"))
def test_reading_ends_within_the_text(text) -> None:
    try:
        assert all(tag.start < tag.end <= len(text) for tag in tags(text))
    except TooMany:
        assert text.count("<a") + text.count("<b") > MOST_OVERLAPPING or len(text) > MOST_ATTRIBUTES
