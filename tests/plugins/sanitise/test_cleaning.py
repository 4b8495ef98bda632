from __future__ import annotations

import pytest

from plugins.sanitise.cleaning import cleaner
from plugins.sanitise.options import FieldEntry

TEXT = '<b onclick="steal()">3</b> < 4 <img src=x onerror=steal()><script>steal()</script> <i>& more</i>'


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"clean": "html", "elements": ["b"]}, "<b>3</b> &lt; 4  &amp; more"),
        ({"clean": "strip"}, "3 &lt; 4  &amp; more"),
        (
            {"clean": "escape"},
            TEXT.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;"),
        ),
    ],
)
def test_markup_that_does_something_is_gone(options, left) -> None:
    assert cleaner(FieldEntry(at="/a", **options))(TEXT) == left


def test_html_keeps_plain_formatting_unless_said_otherwise() -> None:
    clean = cleaner(FieldEntry(at="/a", clean="html"))

    assert clean('<p><a href="https://a">x</a> <a href="javascript:steal()">y</a></p>') == (
        '<p><a href="https://a" rel="noopener noreferrer">x</a> <a rel="noopener noreferrer">y</a></p>'
    )
