from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateway.pointer import MISSING, Pattern, Pointer, find, follow, parse, replace

# the example of RFC 6901 §5
DOCUMENT = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "m~n": 8, " ": 7}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/m~0n", 8),
        ("/ ", 7),
    ],
)
def test_the_examples_of_rfc_6901(pointer, value) -> None:
    assert follow(DOCUMENT, parse(pointer)) == value


@pytest.mark.parametrize("pointer", ["/bar", "/foo/2", "/foo/-1", "/foo/-", "/foo/01", "/foo/٠", "/foo/x", "/foo/0/x"])
def test_what_the_document_does_not_hold_is_missing(pointer) -> None:
    assert follow(DOCUMENT, parse(pointer)) is MISSING


def test_null_is_held_and_not_missing() -> None:
    assert follow({"a": None}, parse("/a")) is None


@pytest.mark.parametrize(("pointer", "told"), [("card/number", "starts with a slash"), ("/a~2b", "~ is written ~0")])
def test_what_is_no_pointer_is_told(pointer, told) -> None:
    with pytest.raises(ValueError, match=told):
        parse(pointer)
    with pytest.raises(ValidationError, match=told):
        TypeAdapter(Pointer).validate_python(pointer)


def test_replace_puts_a_value_in_its_place() -> None:
    document = {"card": {"number": "4242"}, "items": [1, 2]}
    replace(document, parse("/card/number"), "****")
    replace(document, parse("/card/brand"), "visa")
    replace(document, parse("/items/1"), 3)

    assert document == {"card": {"number": "****", "brand": "visa"}, "items": [1, 3]}
    assert replace(document, (), "all") == "all"


@pytest.mark.parametrize("pointer", ["/none/x", "/items/2", "/items/-", "/card/number/x"])
def test_replace_makes_no_way_that_does_not_exist(pointer) -> None:
    with pytest.raises(KeyError, match=pointer):
        replace({"card": {"number": "4242"}, "items": [1, 2]}, parse(pointer), "x")


@given(st.lists(st.text(min_size=0)))
def test_every_key_can_be_pointed_to(keys) -> None:
    document: object = "found"
    for key in reversed(keys):
        document = {key: document}
    pointer = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)

    assert follow(document, parse(pointer)) == "found"


def test_find_answers_none_where_there_is_nothing() -> None:
    assert find({"a": [{"b": 0}]}, "/a/0/b") == 0
    assert find({"a": []}, "/a/0/b") is None
    assert find([1], "") == [1]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("/foo", ["/foo"]),
        ("/foo/*", ["/foo/0", "/foo/1"]),
        ("/a~1b", ["/a~1b"]),
        ("/nothing", []),
        ("/foo/*/deeper", []),
        ("/m~0n/*", []),
    ],
)
def test_a_pattern_finds_what_is_there_with_the_pointer_to_it(pattern, found) -> None:
    assert Pattern(pattern).find(DOCUMENT) == [(each, follow(DOCUMENT, parse(each))) for each in found]


def test_a_star_stands_for_every_member_of_an_object_whatever_it_is_called() -> None:
    assert Pattern("/*/n").find({"a/b": {"n": 1}, "~": {"n": 2}, "c": {}}) == [("/a~1b/n", 1), ("/~0/n", 2)]
