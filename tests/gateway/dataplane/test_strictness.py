from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dataplane.strictness import (
    AmbiguousHost,
    AmbiguousTarget,
    CodingRefused,
    ExpectationFailed,
    MethodRefused,
    Refused,
    VersionRefused,
    WebSocketRefused,
    judge,
)

HOST = (b"host", b"shop.example")


def judged(*headers: tuple[bytes, bytes], method=b"GET", version="1.1", target=b"/", host=HOST):
    return judge(method, version, target, [*([host] if host else []), *headers])


def test_a_plain_head_is_taken_byte_for_byte():
    head = judged(target=b"/v1/%70ay?b=%20&a=1?")
    assert (head.method, head.path, head.query, head.host) == ("GET", "/v1/%70ay", "b=%20&a=1?", b"shop.example")


@pytest.mark.parametrize("version", ["0.9", "2.0", "3.0", ""])
def test_other_versions_are_refused(version):
    with pytest.raises(VersionRefused):
        judged(version=version)


@pytest.mark.parametrize("method", [b"CONNECT", b"TRACE"])
def test_methods_that_are_not_for_a_gateway_are_refused(method):
    with pytest.raises(MethodRefused):
        judged(method=method)


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_missing_host_is_refused(version):
    with pytest.raises(AmbiguousHost):
        judged(host=None, version=version)


def test_a_repeated_host_is_refused_even_where_both_agree():
    with pytest.raises(AmbiguousHost):
        judged(HOST)


@pytest.mark.parametrize(
    "host",
    [b"", b"a b", b"a,b", b"a/b", b"a@b", b"u:p@b", b"a:b", b"a:", b"a:123456", b"[::1", b"::1", b"a\xe9", b"a?b"],
)
def test_an_odd_host_is_refused(host):
    with pytest.raises(AmbiguousHost):
        judged(host=(b"host", host))


@pytest.mark.parametrize(
    ("host", "name"),
    [
        (b"Shop.Example", "shop.example"),
        (b"shop.example:8080", "shop.example"),
        (b"shop.example.", "shop.example"),
        (b"shop.example.:80", "shop.example"),
        (b"127.0.0.1:1", "127.0.0.1"),
        (b"[::1]", "[::1]"),
        (b"[::1]:8080", "[::1]"),
        (b"under_score", "under_score"),
    ],
)
def test_a_host_is_compared_without_port_case_and_root_dot(host, name):
    assert judged(host=(b"host", host)).hostname == name


@pytest.mark.parametrize(
    "value", [b"gzip", b"chunked, chunked", b"gzip, chunked", b"identity", b"xchunked", b"chunked;q=1"]
)
def test_only_chunked_is_taken(value):
    with pytest.raises(CodingRefused):
        judged((b"transfer-encoding", value))


def test_chunked_is_taken_in_any_case():
    assert judged((b"transfer-encoding", b"Chunked")).path == "/"


def test_http_1_0_knows_no_transfer_coding():
    with pytest.raises(Refused):
        judged((b"transfer-encoding", b"chunked"), version="1.0")


@pytest.mark.parametrize("value", [b"websocket", b"WebSocket", b"h2c, websocket", b"websocket/13"])
def test_websocket_is_refused(value):
    with pytest.raises(WebSocketRefused):
        judged((b"upgrade", value))


def test_other_upgrades_are_ignored():
    assert judged((b"upgrade", b"h2c"), (b"connection", b"upgrade")).path == "/"


def test_only_100_continue_is_met():
    assert judged((b"expect", b"100-Continue")).expects_continue
    with pytest.raises(ExpectationFailed):
        judged((b"expect", b"200-ok"))


def test_http_1_0_is_not_told_to_continue():
    assert not judged((b"expect", b"100-continue"), version="1.0").expects_continue


@pytest.mark.parametrize(
    "target",
    [b"/a#b", b"/a?b#c", b"/a b", b"/\xe9", b"/\x00", b"/\t", b"", b"a", b"*", b"//x@y"[2:], b"ftp://shop.example/"],
)
def test_an_odd_target_is_refused(target):
    with pytest.raises(AmbiguousTarget):
        judged(target=target)


def test_the_asterisk_is_for_options():
    assert judged(method=b"OPTIONS", target=b"*").path == "*"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"http://shop.example/a?b", "/a", "b"),
        (b"HTTPS://SHOP.example", "/", ""),
        (b"http://shop.example?b", "/", "b"),
    ],
)
def test_an_absolute_target_to_the_same_authority_becomes_its_path(target, path, query):
    head = judged(target=target)
    assert (head.path, head.query) == (path, query)


@pytest.mark.parametrize(
    "target",
    [
        b"http://other.example/",
        b"http://shop.example:8080/",
        b"http://user@shop.example/",
        b"http://shop.example@other.example/",
        b"http:///",
        b"http://shop.example\\@other.example/",
    ],
)
def test_an_absolute_target_to_another_authority_is_refused(target):
    with pytest.raises(AmbiguousTarget):
        judged(target=target)


@given(st.binary(min_size=1, max_size=40))
def test_a_target_is_taken_whole_or_not_at_all(target):
    try:
        head = judged(target=b"/" + target)
    except AmbiguousTarget:
        return
    assert head.target == b"/" + target
    assert head.path + ("?" if b"?" in target else "") + head.query == head.target.decode()
