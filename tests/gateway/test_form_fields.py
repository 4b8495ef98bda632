from __future__ import annotations

import pytest

from gateway.errors import DuplicateKey
from gateway.form_fields import DEEPEST, Form, InvalidForm


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b"", {}),
        (b"a=1&b=&c", {"a": "1", "b": "", "c": ""}),
        (b"a+b=c%2Bd+e", {"a b": "c+d e"}),
        (b"card[number]=4&card%5Bcvc%5D=1", {"card": {"number": "4", "cvc": "1"}}),
        (b"items[0][x]=a&items[1][x]=b", {"items": {"0": {"x": "a"}, "1": {"x": "b"}}}),
        (b"expand[]=a&expand[]=b", {"expand": {"0": "a", "1": "b"}}),
        (b"items[][x]=a&items[][y]=b", {"items": {"0": {"x": "a"}, "1": {"y": "b"}}}),
        ("n=\u00fc".encode(), {"n": "\u00fc"}),
        (b"x=1&x=2", {"x": "1"}),
    ],
)
def test_a_form_is_read_as_a_document_of_texts(body, document) -> None:
    assert Form(body).document == document


@pytest.mark.parametrize(
    "body",
    [
        b'{"card": "4242424242424242"}',
        b' [{"card=4": 1}]',
        b"card[number=4",
        b"card]number[=4",
        b"card[a[b]]=4",
        b"[card]=4",
        b"card[a]b=4",
        b"card=1&card[number]=4",
        b"card[number]=4&card=1",
        b"a[0]=x&a[]=y&a[0][b]=z",
        b"a=%ff",
        b"%ff=a",
        b"a" + b"[b]" * (DEEPEST + 1) + b"=1",
    ],
)
def test_what_backends_could_read_differently_is_refused(body) -> None:
    with pytest.raises(InvalidForm):
        Form(body)


def test_a_pointer_leads_to_a_name_with_a_slash_as_in_json() -> None:
    assert Form(b"a/b[c~d]=1").changed([("/a~1b/c~0d", "2")]) == b"a/b[c~d]=2"


def test_a_field_without_a_value_gets_one() -> None:
    assert Form(b"a&b=1").changed([("/a", "x")]) == b"a=x&b=1"


def test_one_that_comes_twice_is_told_from_one_that_does_not() -> None:
    form = Form(b"x=1&y[0]=a&x=2&y[]=b")
    form.once("/z")
    for twice in ("/x", "/y/0"):
        with pytest.raises(DuplicateKey):
            form.once(twice)
