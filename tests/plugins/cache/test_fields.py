from __future__ import annotations

from gateway import BEGINNINGS, Headers, Request
from plugins.cache.fields import (
    grouped,
    kept,
    pieces_in,
    selecting,
    updated,
    value_in,
    values_in,
    without_content,
)


def pieces(*fields: tuple[str, str]) -> list[bytes]:
    return [piece for name, value in fields for piece in (BEGINNINGS[name.encode()], value.encode())]


def test_fields_are_read_from_pieces_whether_or_not_a_filter_has_looked_at_them() -> None:
    given = pieces(("host", "shop"), ("vary", "a"), ("vary", "b"))
    assert pieces_in(Request("GET", "/", pieces=given)) is given
    assert pieces_in(Request("GET", "/", headers=Headers(raw=[(b"Host", b"shop")]))) == pieces(("host", "shop"))
    assert grouped(given) == {b"host": [b"shop"], b"vary": [b"a", b"b"]}
    assert value_in(given, BEGINNINGS[b"vary"]) == b"a"
    assert value_in(given, BEGINNINGS[b"age"]) is None
    assert values_in(given, BEGINNINGS[b"vary"]) == [b"a", b"b"]


def test_what_is_said_anew_is_not_kept() -> None:
    given = pieces(("etag", '"1"'), ("age", "3"), ("connection", "close"), ("cache-status", "Other; hit"))
    assert kept(given) == pieces(("etag", '"1"'))


def test_a_304_updates_all_but_what_tells_of_the_body() -> None:
    old = pieces(("etag", '"1"'), ("content-encoding", "gzip"), ("x-a", "1"), ("x-a", "2"), ("x-b", "1"))
    new = pieces(("etag", 'W/"1"'), ("content-encoding", "br"), ("x-a", "3"), ("content-length", "0"))
    assert updated(old, new) == pieces(("etag", '"1"'), ("content-encoding", "gzip"), ("x-b", "1"), ("x-a", "3"))


def test_a_304_does_not_say_what_the_content_is() -> None:
    assert without_content(pieces(("content-type", "text/plain"), ("etag", '"1"'))) == pieces(("etag", '"1"'))


def test_values_select_alike_whatever_space_is_around_their_commas() -> None:
    one, other = pieces(("accept", "a , b"), ("accept", "c")), pieces(("accept", "a,b,  c"))
    assert selecting(one, (b"accept", b"cookie")) == selecting(other, (b"accept", b"cookie")) == (b"a,b,c", None)
    assert selecting(pieces(("accept", "")), (b"accept",)) == (b"",)
