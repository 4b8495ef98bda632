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


@given(JSON, st.booleans())
def test_a_document_without_a_key_twice_is_never_called_one_with(document, ascii_only):
    data = json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:
        return  # a lone surrogate
    assert not has_duplicate_key(data, parsed)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, min_size=1, max_size=4), st.booleans())
def test_a_key_twice_is_always_seen(document, ascii_only):
    key = next(iter(document))
    data = json.dumps(document, ensure_ascii=ascii_only)
    twice = f"{data[:-1]}, {json.dumps(key, ensure_ascii=not ascii_only)}: null}}".encode("utf-8", "surrogatepass")
    try:
        parsed = orjson.loads(twice)
    except orjson.JSONDecodeError:
        return
    assert has_duplicate_key(twice, parsed)
