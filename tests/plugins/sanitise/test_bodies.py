from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import InvalidJson, Rejected
from gateway.testing import exchange
from plugins.sanitise.bodies import EMPTY, Bodies, Content, is_json, media_type
from plugins.sanitise.options import Bounds, SanitiseConfig
from plugins.sanitise.problems import AmbiguousBody, BodyExpands, BodyNotTaken, BodyTooComplex, ContentTypeMismatch

ALL = SanitiseConfig().bodies


def read(body: bytes, *types: str, taken=ALL, coding=(), **bounds) -> Content:
    headers = [("content-type", each) for each in types] + [("content-encoding", each) for each in coding]
    made = exchange(headers=headers, body=body)
    return Bodies(taken, Bounds(**bounds), repeated=True, any_case=False).read(made.request)


def texts(*arguments, **options) -> list[str]:
    return sorted(read(*arguments, **options).reading.texts)


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        ("application/json", b'{"a": "b"}', ["a", "b"]),
        ("Application/Vnd.Api+JSON; charset=UTF-8", b'{"a": "b"}', ["a", "b"]),
        ("application/x-www-form-urlencoded", b"a=b", ["a", "b"]),
        (
            'multipart/form-data; boundary="m"',
            b'--m\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--m--',
            ["a", "b"],
        ),
        ("application/xml", b"<a>b</a>", ["a", "b"]),
        ("application/soap+xml;", b"<a>b</a>", ["a", "b"]),
        ("text/plain", b"a b", ["a b"]),
        ("application/octet-stream", b"a b", ["a b"]),
        ("image/png", b"\x89PNG\xff", []),
    ],
)
def test_a_body_is_read_as_what_it_says_that_it_is(kind, body, found) -> None:
    assert texts(body, kind) == found


def test_a_request_without_a_body_says_nothing() -> None:
    assert read(b"", "nonsense") is EMPTY


def test_only_json_comes_with_its_document() -> None:
    assert read(b'["a"]', "application/json")[1:] == (["a"], True, False)
    assert read(b"a", "text/plain")[1:] == (None, False, False)


@pytest.mark.parametrize(
    "types", [(), ("application/json", "application/json"), ("json",), ("text/plain; charset=utf-8; charset=utf-7",)]
)
def test_a_body_comes_with_one_content_type(types) -> None:
    with pytest.raises(ContentTypeMismatch) as refused:
        read(b"a", *types)

    assert (refused.value.status, refused.value.code) == (415, "content_type_mismatch")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/png", "application/xml"])
def test_json_that_says_that_it_is_something_else_is_refused(kind) -> None:
    for body in (b'{"a": 1}', b' \n["a"]', b"\xef\xbb\xbf{}"):
        with pytest.raises(ContentTypeMismatch):
            read(body, kind)


@pytest.mark.parametrize("body", [b"[draft] hello", b"{{name}}", b"42", b"true", b'"text"'])
def test_what_only_looks_a_little_like_json_is_text(body) -> None:
    assert not is_json(body)
    assert texts(body, "text/plain") == [body.decode()]


def test_what_says_that_it_is_json_and_is_none_is_refused() -> None:
    with pytest.raises(InvalidJson):
        read(b"a=b", "application/json")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-16", "text/plain; charset=latin1"])
def test_another_charset_is_not_taken(kind) -> None:
    with pytest.raises(BodyNotTaken) as refused:
        read(b"1", kind)

    assert (refused.value.status, refused.value.code) == (415, "body_not_taken")


def test_a_kind_that_the_route_does_not_take_is_refused() -> None:
    with pytest.raises(BodyNotTaken, match="takes json, text"):
        read(b"<a/>", "text/xml", taken=("json", "text"))


def test_text_is_utf_8() -> None:
    with pytest.raises(AmbiguousBody):
        read(b"\xff", "text/plain")


def test_a_body_in_a_content_coding_is_read_unfolded_and_known_as_such() -> None:
    found = read(gzip.compress(b'{"a": "b"}'), "application/json", coding=["gzip"])

    assert sorted(found.reading.texts) == ["a", "b"]
    assert (found.document, found.coded) == ({"a": "b"}, True)
    assert not read(b"{}", "application/json", coding=["identity"]).coded


def test_a_folded_body_that_is_no_json_is_refused() -> None:
    with pytest.raises(InvalidJson):
        read(gzip.compress(b"{"), "application/json", coding=["gzip"])


@pytest.mark.parametrize("coding", [["gzip", "gzip"], ["br"], ["gzip, identity"]])
def test_two_content_codings_or_an_unknown_one_are_not_taken(coding) -> None:
    with pytest.raises(BodyNotTaken):
        read(gzip.compress(b"{}"), "application/json", coding=coding)


def test_the_bounds_hold_for_what_is_unfolded() -> None:
    with pytest.raises(BodyExpands):
        read(gzip.compress(b"[" + b"1," * 500 + b"1]"), "application/json", coding=["gzip"], unfolded=1000)
    with pytest.raises(BodyTooComplex):
        read(b"[[1]]", "application/json", depth=1)


def test_what_a_media_type_says_is_told_once_whatever_its_case() -> None:
    assert media_type("Multipart/Form-Data; Boundary=aBc").boundary == "aBc"
    assert media_type('multipart/form-data; boundary="a b"').boundary == "a b"
    assert media_type("application/json ; ;; charset=UTF-8 ;").kind == "json"


@pytest.mark.parametrize(
    "tail", [" \t;" * 5000 + "!", ";" * 10_000 + "\x01", "; a=b" * 3000 + '; c="', " " * 10_000 + "x"]
)
def test_a_content_type_is_read_once_however_it_is_written(tail) -> None:
    with pytest.raises(ContentTypeMismatch):  # a reader that tried every way would not come back
        media_type("application/json" + tail)


KINDS = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=m",
    "application/xml",
    "text/plain",
    "image/png",
]
PIECES = [
    b"--m",
    b"\r\n",
    b"--",
    b'Content-Disposition: form-data; name="a"',
    b"<a>",
    b"</a>",
    b"&amp;",
    b"<!",
    b"{",
    b"}",
]
PIECES += [
    b'"a":',
    b'"\\u00',
    b"[",
    b"]",
    b",",
    b"1e9",
    b"%",
    b"=",
    b"&",
    b"+",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xc3\xa9",
]
BODIES = st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=30).map(b"".join)


@given(BODIES, st.sampled_from(KINDS), st.sampled_from([(), ["gzip"], ["deflate"]]))
def test_whatever_comes_is_read_or_refused(body, kind, coding) -> None:
    try:
        found = read(body, kind, coding=coding).reading
    except Rejected:
        return

    assert sorted(each.text for each in found.located()) == sorted(found.texts)
