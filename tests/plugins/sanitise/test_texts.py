from __future__ import annotations

import pytest

from plugins.sanitise.detection import Kind
from plugins.sanitise.texts import LONGEST_FIELD, Text, pairs, reading, shown, value


@pytest.mark.parametrize(
    "field", ["/card/name", "/items/0/note", "query:q", "query:filter[name]", "header:user-agent", "body", "/a/$where"]
)
def test_a_field_with_plain_names_is_shown_as_it_is(field) -> None:
    assert shown(field) == field


@pytest.mark.parametrize(
    ("field", "as_"),
    [
        ("/notes/<script>", "/notes/*"),
        ("query:' or 1=1", "query:*"),
        ("/a/" + "b" * 65 + "/c", "/a/*/c"),
        ("/javascript:alert(1)", "/*"),
        ("xml:/order/@id\n", "xml:/order/*"),
    ],
)
def test_a_name_that_could_be_the_attack_itself_is_not_shown(field, as_) -> None:
    assert shown(field) == as_


def test_a_field_is_shown_within_bounds() -> None:
    assert len(shown("/a" * 1000)) == LONGEST_FIELD


@pytest.mark.parametrize("name", ["url", "image_url", "callbackUrl", "redirect_uri", "href", "webhook"])
def test_a_field_whose_name_says_so_holds_a_url(name) -> None:
    assert value(f"/{name}", name, "http://a").kind is Kind.URL


def test_other_fields_hold_values() -> None:
    assert value("/curly", "curly", "http://a").kind is Kind.VALUE


def test_pairs_are_their_names_and_their_values() -> None:
    assert list(pairs("query", [("q", "shoes"), ("", "bare"), ("empty", "")])) == [
        Text("query:q", "q", Kind.KEY),
        Text("query:q", "shoes"),
        Text("query:", "bare"),
        Text("query:empty", "empty", Kind.KEY),
    ]


def test_the_values_of_one_name_are_also_read_together() -> None:
    assert Text("query:q", "1 union,select 2") in list(pairs("query", [("q", "1 union"), ("q", "select 2")]))


def test_a_reading_of_texts_is_the_same_for_the_screen_and_in_place() -> None:
    texts = [Text("body", "a"), Text("body", "b")]
    read = reading(texts)

    assert read.texts == ["a", "b"]
    assert list(read.located()) == texts
