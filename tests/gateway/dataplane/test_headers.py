from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dataplane.headers import (
    ANSWERED,
    REQUESTED,
    client_address,
    content_length,
    forwarding,
    head,
    is_trusted,
    nominated,
    passing,
)
from gateway.fields import HOP_BY_HOP, fields_of

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("::1/128")]
OWN = {
    b"content-length",
    b"expect",
    b"forwarded",
    b"http2-settings",
    b"traceparent",
    b"x-real-ip",
    b"x-request-id",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-forwarded-anything",
}
NAMES = st.sampled_from(sorted(HOP_BY_HOP | OWN | {b"host", b"a", b"b", b"set-cookie", b"keep"}))
VALUES = st.sampled_from([b"", b"1", b"close", b"Keep-Alive", b"A, b", b"host, a ,set-cookie", b"x-forwarded-for"])
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=12)


def to_upstream(fields):
    return passed(REQUESTED, fields)


def to_client(fields):
    return passed(ANSWERED, fields)


def passed(names, fields):
    """What leaves its hop, as the parsers' callbacks find it."""
    pieces, judged = [], []
    for name, value in fields:
        lower, beginning, looked_at = names[name]
        pieces += () if beginning is None else (beginning, value)
        judged += [(lower, value)] if looked_at else []
    return fields_of(passing(pieces, judged))


@given(FIELDS)
def test_what_is_for_one_hop_never_passes_and_the_rest_passes_unchanged_and_in_order(fields):
    named = {
        token.strip().lower() for name, value in fields if name == b"connection" for token in value.split(b",")
    } - {b"host"}
    assert to_upstream(fields) == [field for field in fields if field[0] not in HOP_BY_HOP | OWN | named]
    kept = HOP_BY_HOP | {b"content-length", b"x-request-id"} | named
    assert to_client(fields) == [field for field in fields if field[0] not in kept]


def test_what_cgi_reads_as_the_gateways_own_field_does_not_pass():
    twins = [b"x_forwarded_for", b"X_Forwarded-For", b"x-forwarded_for", b"x_forwarded_prefix", b"x-request_id"]
    assert to_upstream([*((name, b"1.1.1.1") for name in twins), (b"x_order", b"2")]) == [(b"x_order", b"2")]


@given(FIELDS)
def test_where_nothing_is_for_one_hop_everything_passes(fields):
    plain = [field for field in fields if field[0] not in HOP_BY_HOP | OWN]
    assert to_upstream(plain) == to_client(plain) == plain


def test_host_cannot_be_nominated_away():
    assert nominated([(b"connection", b"Host, X-Secret"), (b"connection", b"keep-alive")]) == {b"x-secret"}


def test_a_head_is_written_as_it_is_given():
    assert head(b"GET / HTTP/1.1\r\n", [(b"a", b"1"), (b"a", b"2")]) == b"GET / HTTP/1.1\r\na: 1\r\na: 2\r\n\r\n"


@pytest.mark.parametrize("bad", [b"\r", b"\n", b"\r\n", b"\0", b"1\r\nset-cookie: a=b"])
@pytest.mark.parametrize("where", ["start", "name", "value"])
def test_nothing_in_a_head_becomes_another_line(bad, where):
    start = b"GET /%b HTTP/1.1\r\n" % (bad if where == "start" else b"")
    field = (b"a" + (bad if where == "name" else b""), b"1" + (bad if where == "value" else b""))
    with pytest.raises(ValueError, match="line break or NUL"):
        head(start, [field, (b"b", b"2")])


@pytest.mark.parametrize(
    "fields",
    [
        [(b"content-length", b"1"), (b"content-length", b"1")],
        [(b"content-length", b"1"), (b"transfer-encoding", b"chunked")],
        [(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")],
    ],
)
def test_nothing_in_a_head_says_twice_how_long_the_body_is(fields):
    with pytest.raises(ValueError, match="Content-Length"):
        head(b"HTTP/1.1 200 OK\r\n", [(b"a", b"1"), *fields])


def test_a_value_that_names_a_length_is_no_length():
    fields = [(b"vary", b"content-length: "), (b"content-length", b"1"), (b"x-content-length", b"2")]
    assert head(b"HTTP/1.1 200 OK\r\n", fields).endswith(b"x-content-length: 2\r\n\r\n")


def test_the_length_is_a_number_where_there_is_one():
    assert content_length([(b"a", b"1"), (b"content-length", b"12")]) == 12
    assert content_length([]) is None


# where a request comes from


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("::1", True),
        ("[::1]:99", True),
        ("11.1.2.3", False),
        ("127.0.0.1", False),
        ("unix", False),
        ("", False),
        ("10.1.2.3.evil.example", False),
    ],
)
def test_a_peer_is_trusted_by_its_network(address, trusted):
    assert is_trusted(address, TRUSTED) is trusted


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([], "10.0.0.1"),
        ([(b"x-forwarded-for", b"203.0.113.7")], "203.0.113.7"),
        ([(b"x-forwarded-for", b"1.1.1.1, 203.0.113.7, 10.0.0.2")], "203.0.113.7"),
        ([(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"203.0.113.7")], "203.0.113.7"),
        ([(b"x-forwarded-for", b"203.0.113.7:4711")], "203.0.113.7"),
        ([(b"x-forwarded-for", b"[2001:db8::1]:4711")], "2001:db8::1"),
        ([(b"x-forwarded-for", b"2001:DB8::1")], "2001:db8::1"),
        ([(b"x-forwarded-for", b"203.0.113.7, unknown, 10.0.0.2")], "10.0.0.2"),
        ([(b"x-forwarded-for", b"nonsense")], "10.0.0.1"),
        ([(b"x-forwarded-for", b"10.0.0.3, 10.0.0.2")], "10.0.0.3"),
        ([(b"x-forwarded-for", b" ,, ")], "10.0.0.1"),
        ([(b"forwarded", b"for=203.0.113.7;proto=https")], "203.0.113.7"),
        ([(b"forwarded", b'For="[2001:db8::1]:4711", for=10.0.0.2')], "2001:db8::1"),
        ([(b"forwarded", b"by=1.1.1.1;for=203.0.113.7")], "203.0.113.7"),
        ([(b"forwarded", b"for=1.1.1.1"), (b"x-forwarded-for", b"203.0.113.7")], "203.0.113.7"),
    ],
)
def test_the_client_is_the_nearest_address_that_no_trusted_proxy_vouches_for(headers, client):
    assert client_address("10.0.0.1", headers, TRUSTED) == client


def forwarded(headers, *, trusted, peer="10.0.0.1"):
    return fields_of(forwarding(headers, peer=peer, scheme="http", host=b"shop.example", trusted=trusted))


CLAIMS = [
    (b"x-forwarded-for", b"203.0.113.7"),
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-port", b"443"),
    (b"a", b"b"),
]


def test_an_untrusted_peer_says_nothing_of_where_a_request_came_from():
    assert forwarded(CLAIMS, trusted=False) == [
        (b"x-forwarded-for", b"10.0.0.1"),
        (b"x-forwarded-proto", b"http"),
        (b"x-forwarded-host", b"shop.example"),
    ]


def test_a_trusted_peer_is_continued():
    assert forwarded(CLAIMS, trusted=True) == [
        (b"x-forwarded-for", b"203.0.113.7, 10.0.0.1"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-port", b"443"),
        (b"x-forwarded-host", b"shop.example"),
    ]


def test_the_hops_of_forwarded_are_continued_as_x_forwarded_for():
    fields = dict(forwarded([(b"forwarded", b'for="[2001:db8::1]";proto=https, for=10.0.0.2')], trusted=True))
    assert fields[b"x-forwarded-for"] == b"2001:db8::1, 10.0.0.2, 10.0.0.1"
