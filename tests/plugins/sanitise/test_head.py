from __future__ import annotations

import pytest

from gateway.testing import exchange
from plugins.sanitise.detection import Kind
from plugins.sanitise.head import LONGEST_KNOWN, Head, HeadReading, split
from plugins.sanitise.problems import AmbiguousQuery, BodyTooComplex
from plugins.sanitise.texts import Text


def read(path="/v1/payments", *, query="", headers=(), most=100, head=None) -> HeadReading:
    return (head or Head(most)).read(exchange("GET", path, query=query, headers=headers).request)


def located(*arguments, **options) -> list[Text]:
    return list(read(*arguments, **options).located())


CASES = [
    {},
    {"path": "/v1/a%20b/c"},
    {"query": "q=a+b&q=%27&=x&alone"},
    {"headers": [("user-agent", "curl"), ("cookie", "a=1; b=%3Cb%3E; a=2"), ("authorization", "Bearer x")]},
]


@pytest.mark.parametrize("case", CASES)
def test_the_screen_sees_every_text_that_is_located(case) -> None:
    found = read(**case)

    assert {each.text for each in found.located()} == set(found.texts)


def test_a_path_is_read_as_it_is_decoded_whole_and_by_segments() -> None:
    assert located("/v1/a%27b/c") == [Text("path", each, Kind.PATH) for each in ("/v1/a'b/c", "", "v1", "a'b", "c")]


def test_a_path_without_escapes_is_read_whole() -> None:
    assert located("/v1/a") == [Text("path", "/v1/a", Kind.PATH)]


def test_a_query_is_read_by_name_and_value_decoded() -> None:
    found = located("/", query="q=two+pairs&url=http%3A%2F%2Fa")

    assert found[1:] == [
        Text("query:q", "q", Kind.KEY),
        Text("query:q", "two pairs"),
        Text("query:url", "url", Kind.KEY),
        Text("query:url", "http://a", Kind.URL),
    ]


def test_a_value_of_a_query_may_hold_an_equals_sign() -> None:
    assert Text("query:q", "1=1") in located("/", query="q=1=1")


def test_a_query_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(AmbiguousQuery) as refused:
        read(query="q=%c0%af")

    assert (refused.value.status, refused.value.code) == (400, "ambiguous_query")


@pytest.mark.parametrize("case", [{"query": "&" * 100}, {"headers": {"cookie": ";" * 100}}])
def test_a_query_and_cookies_hold_so_many_pairs(case) -> None:
    with pytest.raises(BodyTooComplex):
        read(**case)
    read(query="&" * 99)


def test_header_fields_are_read_but_credentials_and_the_host() -> None:
    headers = {"User-Agent": "curl", "X-Note": "n", "Authorization": "Bearer ' or 1=1", "Host": "a"}

    assert located("/", headers=headers)[1:] == [
        Text("header:user-agent", "curl", Kind.HEADER),
        Text("header:x-note", "n", Kind.HEADER),
    ]


@pytest.mark.parametrize(("sent", "text"), [("Zo\xc3\xab", "Zoë"), ("Zo\xeb", "Zoë")])
def test_a_header_field_is_utf_8_or_else_latin_1(sent, text) -> None:
    assert Text("header:x-name", text, Kind.HEADER) in located("/", headers={"x-name": sent})


@pytest.mark.parametrize(
    ("hops", "read_"),
    [("203.0.113.7, 10.0.0.1", False), ("2001:db8::1", False), ("unknown", True), ("1' or 1=1", True)],
)
def test_hops_are_read_where_they_are_more_than_addresses(hops, read_) -> None:
    assert (hops in read(headers={"x-forwarded-for": hops}).texts) is read_


def test_cookies_are_read_one_by_one() -> None:
    assert located("/", headers={"cookie": "a=1; b=%27x"})[1:] == [
        Text("cookie:a", "a", Kind.KEY),
        Text("cookie:a", "1"),
        Text("cookie:b", "b", Kind.KEY),
        Text("cookie:b", "'x"),
    ]


def test_names_and_values_are_split_at_the_first_equals_sign() -> None:
    assert list(split("a=b=c&d", "&")) == [("a", "b=c"), ("d", "")]


def test_a_field_that_is_known_is_not_read_again() -> None:
    head, headers = Head(100), {"user-agent": "curl", "x-note": "n"}
    first = read(headers=headers, head=head)
    head.known.learn(first.fresh)

    assert list(first.texts) == ["/v1/payments", "curl", "n"]
    assert list(read(headers=headers, head=head).texts) == ["/v1/payments", "n"]
    assert "wget" in read(headers={"user-agent": "wget"}, head=head).texts


def test_only_short_fields_that_many_requests_have_may_be_learned() -> None:
    headers = [("user-agent", "a" * (LONGEST_KNOWN + 1)), ("accept", "*/*"), ("x-note", "n")]

    assert read(headers=headers).fresh == [(b"accept", b"*/*")]
