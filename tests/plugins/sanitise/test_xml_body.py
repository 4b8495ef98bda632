from __future__ import annotations

import pytest

from plugins.sanitise.detection import Kind
from plugins.sanitise.problems import AmbiguousBody, BodyTooComplex
from plugins.sanitise.texts import Text
from plugins.sanitise.xml_body import read_xml


def located(data: bytes, *, depth=10, most=100) -> list[Text]:
    return list(read_xml(data, depth=depth, most=most).located())


def test_elements_attributes_and_texts_are_read_with_the_way_to_them() -> None:
    found = located(b'<?xml version="1.0"?><order id="7"><note>a &lt;b&gt; <![CDATA[<c>]]></note> </order>')

    assert found == [
        Text("xml:/order", "order", Kind.KEY),
        Text("xml:/order/@id", "7"),
        Text("xml:/order/note", "note", Kind.KEY),
        Text("xml:/order/note", "a <b> <c>"),
    ]


def test_a_text_that_other_elements_interrupt_is_read_as_one() -> None:
    assert Text("xml:/a", "1 union select 2") in located(b"<a>1 union<b/> select 2</a>")


def test_comments_and_instructions_are_read() -> None:
    found = located(b"<a><!-- note --><?php echo 1?></a>")

    assert found[1:] == [Text("xml:/a", " note "), Text("xml:/a", "php echo 1")]


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
        b'<!DOCTYPE a SYSTEM "http://a/b.dtd"><a/>',
        b"<a>&undefined;</a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a/>garbage",
        b"",
        b'<a x="1" x="2"/>',
        b'<?xml version="1.1"?><a/>',
        b'<?xml version="1.0" encoding="utf-16"?><a/>',
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
        b"\xef\xbb\xbf<a/>",
        '<?xml version="1.0"?><a/>'.encode("utf-16"),
        b"<a>\xff</a>",
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(data) -> None:
    with pytest.raises(AmbiguousBody) as refused:
        located(data)

    assert (refused.value.status, refused.value.code) == (400, "ambiguous_body")
    assert "passwd" not in refused.value.detail


def test_more_levels_or_elements_than_are_taken_are_refused() -> None:
    located(b"<a>" * 10 + b"</a>" * 10)
    for data in (b"<a>" * 11 + b"</a>" * 11, b"<a>" + b"<b c='1'/>" * 50 + b"</a>"):
        with pytest.raises(BodyTooComplex):
            located(data)
