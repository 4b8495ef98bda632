from __future__ import annotations

import pytest

from plugins.sanitise.detection import Kind
from plugins.sanitise.detection.markup import judge


def rules(text: str, kind: Kind = Kind.VALUE) -> set[str]:
    return {hit.rule.id for hit in judge(text, kind)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script src=//a.example>", "xss.element"),
        ("</script>", "xss.element"),
        ("<iframe srcdoc=x>", "xss.element"),
        ("<meta http-equiv=refresh content=0>", "xss.element"),
        ("<img src=x onerror=x>", "xss.event_handler"),
        ('" onfocus=alert(1) autofocus x="', "xss.event_handler"),
        ("<a href='java\tscript:x'>", "xss.script_url"),
        ("javascript:alert(1)", "xss.script_url"),
        ("data:text/html,<b>", "xss.script_url"),
        ("<b style='width:expression(x)'>", "xss.style"),
        ("<b style='x:\\65xpression(x)'>", "xss.style"),
        ("<set attributeName=href to=javascript:x>", "xss.script_url"),
        ("';alert(1)//", "xss.script_code"),
        ("<a b=" * 99, "xss.evasion"),
        ("<div ng-focus='x=$event'>", "xss.event_handler"),
        ("<b @click=x.y()>", "xss.event_handler"),
    ],
)
def test_what_would_run_is_told(text, expected) -> None:
    assert expected in rules(text)


@pytest.mark.parametrize(
    "text",
    [
        "<b>bold</b> <i class='x'>it</i>",
        "<a href='https://shop.example/?a=1&b=2'>shop</a>",
        "<img src='https://shop.example/a.png'>",
        "a < b and c > d",
        "<info@shop.example>",
        "JavaScript: The Good Parts (2nd edition)",
        "onset = 5, one=1",
        "ongoing=2; onhold=3",
        "onboarding=done; onsite=true",
        "<b ng-show=yes>",
        "<link>",
        "<store online=true>",
    ],
)
def test_markup_and_words_that_run_nothing_pass(text) -> None:
    assert rules(text) == set()


def test_in_a_url_any_script_scheme_is_one() -> None:
    assert rules("javascript:basics") == set()
    assert rules("javascript:basics", Kind.URL) == {"xss.script_url"}
