from __future__ import annotations

import pytest

from plugins.sanitise.detection.script import code, runs


@pytest.mark.parametrize(
    "text",
    [
        "alert(1)",
        "prompt`1`",
        "(alert)(1)",
        "top['al'+'ert'](1)",
        "x=document.cookie",
        "a=alert,a(1)",
        "setTimeout('x')",
        "[].constructor.constructor('x')",
        "location='//a.example'",
        "new Image().src=1",
        "fetch('//a.example')",
        "setTimeout(alert,0)",
        "alert (1)",
        "location=name",
        "[][(![]+[])[+[]]+([![]]+[][[]])]",
    ],
)
def test_code_is_code(text) -> None:
    assert code(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "alert(s)",
        "prompt(er)",
        "print (A4)",
        "location: Berlin",
        "the document.",
        "a new image",
        "open (24 hours)",
        "top shelf",
        "alert (urgent)",
        "prompt (4h)",
        "window.location is broken",
        "location=Berlin",
        "/stores?location=us.east",
        "parent.name is required",
        "throw 1 away",
        "-----((((()))))-----",
    ],
)
def test_words_with_parentheses_are_none(text) -> None:
    assert code(text) is None


def test_what_follows_a_scheme_runs_if_it_is_code() -> None:
    assert runs("alert(1)")
    assert not runs(" The Good Parts (2nd edition)")


def test_a_text_of_nothing_but_words_of_a_script_is_code() -> None:
    assert code("this. " * 100) is None
    assert code("this. " * 3000) is not None
