from __future__ import annotations

import pytest

from plugins.sanitise.detection import Kind
from plugins.sanitise.detection.entities import judge, judge_null


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///x">]>',
        '<!ENTITY % a "b">',
        '<!DOCTYPE a SYSTEM "x.dtd">',
        '<xi:include href="x"/>',
    ],
)
def test_a_document_type_that_fetches_is_told(text) -> None:
    assert [hit.rule.id for hit in judge(text, Kind.VALUE)] == ["xxe.entity"]


@pytest.mark.parametrize("text", ["<!DOCTYPE html>", "<!-- a -->", '<?xml version="1.0"?><a/>'])
def test_a_plain_document_passes(text) -> None:
    assert list(judge(text, Kind.VALUE)) == []


def test_a_null_byte_is_told() -> None:
    assert [hit.rule.id for hit in judge_null("a.php\x00.png", Kind.VALUE)] == ["null_byte.in_text"]
    assert list(judge_null("a.png", Kind.VALUE)) == []
