from collections.abc import Mapping
from typing import Literal

import pytest
from pydantic import Field, ValidationError

from gateway import Config, Duration
from gateway.control.positions import read
from gateway.control.validation import options_at, problems_of


class Window(Config):
    length: Duration
    per: Literal["user", "ip"] = "user"


class Blocked(Config):
    after: int = Field(5, alias="from")


class Options(Config):
    windows: tuple[Window, ...] = ()
    block: Window | Blocked | None = None
    named: Mapping[str, Window] = Field(default_factory=dict)
    steps: list[int] = Field(default_factory=list)
    phases: tuple[Window, ...] | None = Field(None, min_length=1)


def problems(text: str) -> list[str]:
    document = read(f"limit: {text}\n", "p")
    with pytest.raises(ValidationError) as caught:
        Options.model_validate(document.data["limit"])
    return [str(each) for each in problems_of(caught.value, Options, document, ("limit",))]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{windos: []}", "p:1:9: limit.windos: no option has this name; did you mean 'windows'?"),
        ("{windows: [{}]}", "p:1:19: limit.windows[0].length: is required"),
        ("{windows: [{length: 5}]}", "p:1:28: limit.windows[0].length: a duration needs its unit: 5s, or 5ms"),
        (
            "{windows: [{length: 5s, per: IP}]}",
            "p:1:37: limit.windows[0].per: should be 'user' or 'ip'; did you mean 'ip'?",
        ),
        ("{windows: [{length: 5s, for: 1}]}", "p:1:32: limit.windows[0].for: no option has this name"),
        ("{windows: [3]}", "p:1:19: limit.windows[0]: should be a mapping"),
        ("{windows: {}}", "p:1:18: limit.windows: should be a list"),
        ("{named: {a: {lenght: 5s}}}", "p:1:21: limit.named.a.lenght: no option has this name; did you mean 'length'?"),
        ("{steps: [one]}", "p:1:17: limit.steps[0]: should be a valid integer, unable to parse string as an integer"),
    ],
)
def test_an_error_stands_where_it_was_made_in_words_of_the_policy(text: str, problem: str) -> None:
    assert problem in problems(text)


def test_a_list_is_not_called_too_short_for_what_is_wrong_in_it() -> None:
    assert problems("{phases: [{}]}") == ["p:1:18: limit.phases[0].length: is required"]
    assert problems("{phases: []}") == [
        "p:1:17: limit.phases: Tuple should have at least 1 item after validation, not 0"
    ]


def test_the_arms_of_a_union_are_no_part_of_the_path() -> None:
    assert set(problems("{block: {lenght: 5s}}")) == {
        "p:1:9: limit.block.length: is required",
        "p:1:17: limit.block.lenght: no option has this name; did you mean 'length'?",
    }


def test_options_are_found_through_lists_mappings_unions_and_aliases() -> None:
    assert list(options_at(Options, ())) == ["windows", "block", "named", "steps", "phases"]
    assert list(options_at(Options, ("windows", 0))) == ["length", "per"]
    assert list(options_at(Options, ("block",))) == ["length", "per", "from"]
    assert list(options_at(Options, ("named", "any"))) == ["length", "per"]
    assert list(options_at(Options, ("named",))) == []
    assert list(options_at(Options, ("steps", 0))) == []
    assert list(options_at(Options, ("nothing", "there"))) == []
