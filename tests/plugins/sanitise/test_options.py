from __future__ import annotations

import pytest
from pydantic import ValidationError

from plugins.sanitise.options import SanitiseConfig


def config(**options) -> SanitiseConfig:
    return SanitiseConfig.model_validate(options)


def test_without_options_everything_is_looked_for_and_blocked() -> None:
    made = config()

    assert made.families == {}
    assert (made.threshold, made.fields, made.schema_) == (5, (), None)
    assert made.bodies == ("json", "form", "multipart", "xml", "text", "other")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"families": {"sqly": "block"}}, "no family has this name; did you mean 'sqli'?"),
        (
            {"fields": [{"at": "/a", "allow": ["xss.elemnt"]}]},
            "no rule and no family has this name; did you mean 'xss.element'?",
        ),
        ({"fields": [{"at": "/a", "families": {"xs": "off"}}]}, "did you mean 'xss'?"),
        ({"fields": [{"at": "notes", "allow": ["xss"]}]}, "a field is a JSON pointer"),
        ({"fields": [{"at": "/a"}]}, "say what is different there"),
        ({"fields": [{"at": "query:q", "clean": "html"}]}, "clean is for JSON"),
        ({"fields": [{"at": "/a", "clean": "strip", "elements": ["b"]}]}, "elements are for clean: html"),
        ({"fields": [{"at": "/a", "clean": "html", "elements": ["b", "script"]}]}, "script does something"),
        ({"bodies": []}, "at least 1"),
        ({"threshold": 0}, "greater than or equal to 1"),
        ({"bounds": {"depth": 501}}, "less than or equal to 500"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(options, said) -> None:
    with pytest.raises(ValidationError) as refused:
        config(**options)

    assert said in str(refused.value)


def test_a_field_may_allow_rules_families_or_everything() -> None:
    [field] = config(fields=[{"at": "/a", "allow": ["xss.element", "sqli", "all"]}]).fields

    assert field.allow == ("xss.element", "sqli", "all")
