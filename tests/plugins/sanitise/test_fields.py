from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from plugins.sanitise.fields import Place, pattern

PLACE = TypeAdapter(Place)


@pytest.mark.parametrize("at", ["/a", "/a/*/b", "/a/**", "/a~1b", "path", "body", "query:q", "header:x-*", "xml:/a/b"])
def test_a_place_is_a_pointer_or_a_named_part_of_a_request(at) -> None:
    assert PLACE.validate_python(at) == at


@pytest.mark.parametrize("at", ["a", "", "/a~b", "query", "query:", "json:/a", "Path"])
def test_anything_else_is_none(at) -> None:
    with pytest.raises(ValidationError, match="JSON pointer"):
        PLACE.validate_python(at)


@pytest.mark.parametrize(
    ("at", "field"),
    [
        ("/notes", "/notes"),
        ("/items/*/note", "/items/0/note"),
        ("/metadata/**", "/metadata/a/b"),
        ("/metadata/**", "/metadata"),
        ("/**", "/a/b"),
        ("query:q", "query:q"),
        ("query:*", "query:anything"),
        ("header:x-*", "header:x-note"),
        ("header:X-Note", "header:x-note"),
        ("/a.b", "/a.b"),
        ("/a\nb", "/a\nb"),
    ],
)
def test_a_place_takes_its_fields(at, field) -> None:
    assert pattern(at).fullmatch(field)


@pytest.mark.parametrize(
    ("at", "field"),
    [
        ("/notes", "/notes/0"),
        ("/notes", "/note"),
        ("/items/*/note", "/items/0/1/note"),
        ("/items/*/note", "/items/0/note/1"),
        ("/metadata/**", "/metadatas"),
        ("/Notes", "/notes"),
        ("query:q", "form:q"),
        ("/a.b", "/axb"),
        ("/form", "form:/form"),
    ],
)
def test_a_place_takes_no_others(at, field) -> None:
    assert not pattern(at).fullmatch(field)
