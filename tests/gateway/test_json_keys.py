from __future__ import annotations

import json

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway import has_duplicate_key

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


SEPARATORS = st.sampled_from([(",", ":"), (", ", ": ")])


@given(JSON, st.booleans(), SEPARATORS)
def test_a_document_without_a_key_twice_is_never_called_one_with(document, ascii_only, separators):
    data = json.dumps(document, ensure_ascii=ascii_only, separators=separators).encode("utf-8", "surrogatepass")
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:
        return  # a lone surrogate
    assert not has_duplicate_key(data, parsed)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, min_size=1, max_size=4), st.booleans(), SEPARATORS)
def test_a_key_twice_is_always_seen(document, ascii_only, separators):
    key = next(iter(document))
    data = json.dumps(document, ensure_ascii=ascii_only, separators=separators)
    twice = f"{data[:-1]},{json.dumps(key, ensure_ascii=not ascii_only)}: null}}".encode("utf-8", "surrogatepass")
    try:
        parsed = orjson.loads(twice)
    except orjson.JSONDecodeError:
        return
    assert has_duplicate_key(twice, parsed)


def test_a_document_that_is_nested_too_deeply_to_be_written_is_looked_through():
    deep = b'{"a":' + b"[" * 400 + b"]" * 400
    assert not has_duplicate_key(deep + b"}", orjson.loads(deep + b"}"))
    assert has_duplicate_key(deep + b',"a":1}', orjson.loads(deep + b',"a":1}'))
    twice = b'{"b":' + deep[5:] + b',"a":1,"a":2}'
    assert has_duplicate_key(twice, orjson.loads(twice))
