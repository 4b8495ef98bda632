from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.cache.entry import CorruptEntry, Entry

ENTRY = Entry(
    *("k", "http://shop/v1/x", "salt:digest", 200, [b"\r\netag: ", b'"\xe9"'], b"\x00body"),
    *(1.5, 1.0, 60.0, 99.0),
    vary=(b"accept",),
    generation="g",
    validate=True,
    strict=True,
    stale_while_revalidate=1.0,
    stale_if_error=2.0,
    etag=b'"\xe9"',
    tags=("invoices",),
    route="invoices",
    hits=7,
)


def test_what_is_encoded_is_decoded_as_it_was_but_for_its_hits() -> None:
    decoded = Entry.decode(ENTRY.encode())
    assert decoded == ENTRY
    assert decoded.hits == 0


@given(st.integers(0, len(ENTRY.encode()) - 1), st.integers(1, 255))
def test_a_byte_that_changed_anywhere_is_seen(at, by) -> None:
    data = bytearray(ENTRY.encode())
    data[at] = (data[at] + by) % 256
    with pytest.raises(CorruptEntry):
        Entry.decode(bytes(data))


@pytest.mark.parametrize("data", [b"", b"PGC1", ENTRY.encode()[:-1], b"PGC0" + ENTRY.encode()[4:]])
def test_what_is_cut_short_or_of_another_version_is_no_entry(data) -> None:
    with pytest.raises(CorruptEntry):
        Entry.decode(data)


def test_its_age_is_never_less_than_nothing() -> None:
    assert ENTRY.age(0.0) == 0.0
    assert ENTRY.age(11.0) == 10.0


def test_its_size_counts_its_body_and_its_fields() -> None:
    assert ENTRY.size > len(ENTRY.body) + len(b'"\xe9"')
