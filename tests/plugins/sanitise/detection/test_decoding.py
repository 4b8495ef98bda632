from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.sanitise.detection.decoding import LONG, ROUNDS, forms


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        ("%27%20or", "' or"),
        ("a%2Bb+c", "a+b c"),
        ("%2527", "'"),
        ("%u0027", "'"),
        ("\\u003cscript\\x3e\\047\\u{27}", "<script>''"),
        ("&lt;b&#39;&#x27;&colon;", "<b'':"),
        ("%c0%a7 %e0%80%a7", "' '"),
        ("＜ｓｃｒｉｐｔ＞", "<script>"),
        ("’—", "'--"),
        ("%bf%27", "¿'"),
        ("%26%2339%3B", "'"),
    ],
)
def test_the_last_form_is_what_a_backend_may_read(encoded, decoded) -> None:
    assert list(forms(encoded))[-1] == decoded


def test_a_text_without_encodings_has_one_form() -> None:
    assert list(forms("100% cotton & C++ \\o/")) == ["100% cotton & C++ \\o/"]


@given(st.text())
def test_the_first_form_is_the_text_and_the_rounds_are_bounded(text) -> None:
    found = list(forms(text))

    assert found[0] == text
    assert len(found) <= ROUNDS + 2


def test_the_escapes_of_a_style_in_a_url_are_told_as_they_are() -> None:
    assert list(forms("%3Cb style=x:\\0075rl%3E")) == [
        "%3Cb style=x:\\0075rl%3E",
        "<b style=x:\\0075rl>",
        "<b style=x:\x075rl>",
    ]


def test_of_a_long_text_the_first_form_and_the_last_are_told() -> None:
    assert len(list(forms("%252525" * LONG))) == 2
