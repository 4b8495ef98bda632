from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fields import HOP_BY_HOP, Beginnings, Names, fields_of, pieces_of, without

TOKENS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=80).map(str.encode)
TOKENS = TOKENS.filter(lambda name: name not in HOP_BY_HOP)
VALUES = st.binary(max_size=40).map(lambda value: value.translate(None, b"\r\n\0"))
FIELDS = st.lists(st.tuples(TOKENS, VALUES), max_size=12)


@given(FIELDS)
def test_pieces_are_the_fields_and_their_join_is_what_goes_on_the_wire(fields):
    pieces = pieces_of(fields)
    assert fields_of(pieces) == fields
    assert b"".join(pieces) == b"".join(b"\r\n%b: %b" % field for field in fields)


@pytest.mark.parametrize("bad", [b"\r", b"\n", b"\r\n", b"\0", b"1\r\nset-cookie: a=b"])
@pytest.mark.parametrize("where", ["name", "value"])
def test_no_field_becomes_another_line(bad, where):
    field = (b"a" + (bad if where == "name" else b""), b"1" + (bad if where == "value" else b""))
    with pytest.raises(ValueError, match="line break or NUL"):
        pieces_of([(b"b", b"2"), field])


@pytest.mark.parametrize("name", [b"", b"a b", b"a:", b" a", b"a\t", b"\xe9", b"a,b"])
def test_a_name_that_none_has_is_not_sent(name):
    for _ in range(2):
        with pytest.raises(ValueError, match="name of a header"):
            pieces_of([(name, b"1")])


@pytest.mark.parametrize("name", [b"content-length", b"Content-Length", b"CONTENT-LENGTH"])
def test_how_long_the_body_is_is_said_once_however_it_is_written(name):
    assert fields_of(pieces_of([(name, b"1")])) == [(b"content-length", b"1")]
    with pytest.raises(ValueError, match="Content-Length"):
        pieces_of([(name, b"1"), (b"content-length", b"1")])
    with pytest.raises(ValueError, match="Content-Length"):
        pieces_of([(name, b"1")], framed=True)


@pytest.mark.parametrize("name", [b"transfer-encoding", b"Transfer-Encoding"])
def test_a_transfer_coding_is_nobodys_to_set(name):
    for _ in range(2):
        with pytest.raises(ValueError, match="Transfer-Encoding"):
            pieces_of([(b"a", b"1"), (name, b"chunked")])


def test_what_is_for_one_hop_is_left_out_whoever_made_it():
    hop = [(name, b"a") for name in HOP_BY_HOP - {b"transfer-encoding"}]
    shouted = [(name.upper(), value) for name, value in hop]
    assert pieces_of([*hop, (b"X-A", b"1"), *shouted]) == [b"\r\nx-a: ", b"1"]


@given(FIELDS)
def test_fields_are_left_out_by_their_name_wherever_they_stand(fields):
    some = {name for name, _ in fields[::2]}
    kept = fields_of(without(pieces_of(fields), some))
    assert kept == [field for field in fields if field[0] not in some]


def test_a_name_is_known_however_it_is_written():
    names = Names({b"te"}.__contains__, {b"te", b"host"})
    assert names[b"Host"] == (b"host", b"\r\nhost: ", True)
    assert names[b"TE"] == (b"te", None, True)
    assert names[b"X-A"] == names[b"x-a"] == (b"x-a", b"\r\nx-a: ", False)


@pytest.mark.parametrize("table", [Beginnings(), Names(set().__contains__, set())])
def test_names_that_a_sender_makes_up_do_not_fill_the_memory(table):
    for number in range(3000):
        assert table[b"x-%d" % number]
    assert table[b"x" * 10_000]
    assert len(table) == 1000
    assert max(map(len, table)) < 100
