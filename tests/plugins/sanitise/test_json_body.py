from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import DuplicateKey
from plugins.sanitise.detection import Kind
from plugins.sanitise.json_body import read_json
from plugins.sanitise.problems import AmbiguousBody, BodyTooComplex
from plugins.sanitise.texts import Reading, Text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


def read(data: bytes, *, depth=32, most=1000) -> Reading:
    return read_json(data, orjson.loads(data), depth=depth, most=most)


def test_keys_and_texts_are_read_with_their_pointers() -> None:
    found = read(b'{"card": {"na/me~": "Ada"}, "items": ["a", {"url": "http://a"}], "n": 1, "ok": true, "no": null}')

    assert list(found.located()) == [
        Text("/card", "card", Kind.KEY),
        Text("/card/na~1me~0", "na/me~", Kind.KEY),
        Text("/card/na~1me~0", "Ada"),
        Text("/items", "items", Kind.KEY),
        Text("/items/0", "a"),
        Text("/items/1/url", "url", Kind.KEY),
        Text("/items/1/url", "http://a", Kind.URL),
        Text("/n", "n", Kind.KEY),
        Text("/ok", "ok", Kind.KEY),
        Text("/no", "no", Kind.KEY),
    ]


def test_the_screen_is_told_of_keys_that_are_not_known() -> None:
    data = b'{"amount": "1", "note": {"amount": "note", "metadata": 1}}'
    found = read_json(data, orjson.loads(data), depth=9, most=99, known={"amount", "note"})

    assert sorted(found.texts) == ["1", "metadata", "note"]
    assert found.fresh == ["metadata"]
    assert len(list(found.located())) == 6


def test_a_text_alone_is_the_body() -> None:
    assert list(read(b'"hello"').located()) == [Text("body", "hello")]


@pytest.mark.parametrize(
    "twins", ['"amount": 1, "Amount": 2', '"a": {"ſ": 1, "s": 2}', '"x": [{"É": 1, "\\u00e9": 2}]']
)
def test_keys_that_differ_in_case_alone_are_refused_unless_said_otherwise(twins) -> None:
    data = f"{{{twins}}}".encode()
    with pytest.raises(AmbiguousBody):
        read(data)
    read_json(data, orjson.loads(data), depth=9, most=99, any_case=True)


@given(JSON)
def test_the_screen_sees_every_text_that_is_located(document) -> None:
    found = read_json(orjson.dumps(document), document, depth=32, most=1000, any_case=True)

    assert sorted(each.text for each in found.located()) == sorted(found.texts)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": [{"b": ":", "b": 1}]}',
        b'{"": 1, "": 2}',
        b'{"a:": 1, "b": ":::", "a:": 2}',
    ],
)
def test_a_key_that_an_object_has_twice_is_refused(data) -> None:
    with pytest.raises(DuplicateKey) as refused:
        read(data)

    assert (refused.value.status, refused.value.code) == (400, "duplicate_key")


def test_a_key_may_be_in_two_objects_and_colons_in_texts() -> None:
    read(b'{"a": {"a": ":"}, "b": [{"a": 1}, {"a": "a\\":\\"b"}]}')


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**63) - 1, 10**30, -(10**30)])
def test_an_integer_that_64_bits_do_not_hold_is_refused(number) -> None:
    with pytest.raises(AmbiguousBody) as refused:
        read(json.dumps({"amount": number}).encode())

    assert (refused.value.status, refused.value.code) == (400, "ambiguous_body")


@pytest.mark.parametrize("number", ["9223372036854775807", "-9223372036854775808", "1e30", "-1.5e300", "0.1"])
def test_numbers_that_64_bits_hold_pass(number) -> None:
    read(f'{{"amount": {number}}}'.encode())


def test_more_levels_than_are_taken_are_refused() -> None:
    read(b"[" * 5 + b"1" + b"]" * 5, depth=5)
    with pytest.raises(BodyTooComplex) as refused:
        read(b"[" * 6 + b"1" + b"]" * 6, depth=5)

    assert (refused.value.status, refused.value.code) == (413, "body_too_complex")


def test_more_values_than_are_taken_are_refused() -> None:
    read(b"[" + b"1," * 98 + b"1]", most=100)
    with pytest.raises(BodyTooComplex):
        read(b"[" + b"1," * 99 + b"1]", most=99)
