from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.spellings import readings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("%34%31", "41"),
        ("%2534", "4"),
        (r"\u0034\u0031", "41"),
        (r"\\u0034", "4"),
        ("&#52;1", "41"),
        ("\u00ef\u00bc\u0094", "\uff14"),
        ("%EF%BC%94", "\uff14"),
        (r"\xef\xbc\x94", "\uff14"),
        (r"\xff1", "\ufffd1"),
    ],
)
def test_what_a_text_spells_is_read_last(text: str, said: str) -> None:
    assert [*readings(text)][-1] == said


@pytest.mark.parametrize("text", ["", "plain text", "4 000 & more", "caf\u00e9", r"C:\users\ada"])
def test_most_texts_spell_nothing_else(text: str) -> None:
    assert [*readings(text)] == []


@given(some.text())
def test_it_ends_for_any_text(text: str) -> None:
    assert len([*readings(text)]) <= 2
