from __future__ import annotations

import pytest

from plugins.sanitise.detection import Kind
from plugins.sanitise.detection.network import judge_address, judge_break


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.1.2.3",
        "metadata.google.internal",
        "[fd00::1]",
        "a@127.0.0.1:80",
        "0xa9.0xfe.0xa9.0xfe",
        "172.16.0.1",
        "[::ffff:a9fe:a9fe]",
    ],
)
def test_an_address_inside_is_told_in_every_form(host) -> None:
    assert [hit.rule.id for hit in judge_address(f"http://{host}/x", Kind.URL)] == ["ssrf.internal_address"]


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/a",
        "https://8.8.8.8/",
        "https://localhost.shop.example/",
        "https://123shop.example",
        "http://[2606:4700::1111]/",
    ],
)
def test_an_address_outside_passes(url) -> None:
    assert list(judge_address(url, Kind.URL)) == []


def test_an_address_in_a_header_or_a_sentence_leads_nobody_anywhere() -> None:
    assert list(judge_address("http://localhost:3000/shop", Kind.HEADER)) == []
    assert list(judge_address("http://localhost is what it says", Kind.VALUE)) == []
    assert [hit.rule.id for hit in judge_address("http://localhost/", Kind.VALUE)] == ["ssrf.internal_address"]


def test_a_bare_host_is_an_address_only_where_a_url_belongs() -> None:
    assert list(judge_address("localhost", Kind.VALUE)) == []
    assert [hit.rule.id for hit in judge_address("localhost:8080/x", Kind.URL)] == ["ssrf.internal_address"]


@pytest.mark.parametrize(
    "text", ["a\r\nSet-Cookie: b=c", "a\nLocation: http://b", "a\r\n\r\nHTTP/1.1 200 OK", "x\nGET / HTTP/1.1"]
)
def test_a_break_and_a_header_after_it_are_told(text) -> None:
    assert [hit.rule.id for hit in judge_break(text, Kind.VALUE)] == ["crlf.header"]


def test_lines_of_a_text_pass_and_in_a_header_no_name_does() -> None:
    assert list(judge_break("Size: 5\nColour: red", Kind.VALUE)) == []
    assert [hit.rule.id for hit in judge_break("a\nColour: red", Kind.HEADER)] == ["crlf.header"]
