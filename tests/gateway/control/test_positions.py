from contextlib import suppress
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control.positions import Position, read
from gateway.control.problems import PolicyError


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        read(dedent(text), "p.yaml")
    return [str(problem) for problem in caught.value.problems]


def value(text: str) -> object:
    return read(f"key: {text}\n", "p.yaml").data["key"]


def test_every_key_value_and_item_has_its_line_and_column() -> None:
    document = read("routes:\n  - name: pay\n    filters: [principal, body_limit: {most: 1}]\n", "p.yaml")
    assert document.data == {"routes": [{"name": "pay", "filters": ["principal", {"body_limit": {"most": 1}}]}]}
    assert document.keys["routes", 0, "filters"] == Position(3, 5)
    assert document.values["routes", 0] == Position(2, 5)
    assert document.values["routes", 0, "filters", 0] == Position(3, 15)
    assert document.values["routes", 0, "filters", 1, "body_limit", "most"] == Position(3, 45)


def test_a_problem_of_a_missing_thing_stands_at_what_should_hold_it() -> None:
    document = read("upstreams:\n  backend: {pool: 1}\n", "p.yaml")
    assert str(document.problem(("upstreams", "backend", "url"), "is required")) == (
        "p.yaml:2:3: upstreams.backend.url: is required"
    )
    assert str(document.problem(("upstreams", "backend", "pool"), "odd")) == "p.yaml:2:19: upstreams.backend.pool: odd"
    assert document.problem(("upstreams", "backend", "pool"), "odd", at_key=True).column == 13
    assert document.problem(("routes",), "is required").line == 1


@pytest.mark.parametrize(
    "text", ["off", "on", "yes", "no", "12:30", "2026-11-23", "1_000", "1e999", "9" * 5000, "'true'", '"1"', ".nan"]
)
def test_what_yaml_1_1_would_turn_into_something_else_stays_text(text: str) -> None:
    assert value(text) == text.strip("'\"")


def test_an_old_yaml_directive_does_not_bring_the_old_meaning_back() -> None:
    assert read("%YAML 1.1\n---\nmode: off\n", "p.yaml").data == {"mode": "off"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("10", 10),
        ("-3", -3),
        ("0x10", 16),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("[1, a]", [1, "a"]),
        ("{}", {}),
    ],
)
def test_plain_scalars_are_those_of_the_core_schema(text: str, meant: object) -> None:
    assert value(text) == meant
    assert type(value(text)) is type(meant)


def test_keys_are_text_whatever_they_look_like() -> None:
    assert read("402: failed\ntrue: x\n", "p.yaml").data == {"402": "failed", "true": "x"}


def test_all_repeated_keys_are_named_with_the_line_of_the_first() -> None:
    assert problems("""\
        a: 1
        b:
          c: 1
          c: 2
        a: 2
        """) == [
        "p.yaml:4:3: b.c: is given twice; the first is in line 3",
        "p.yaml:5:1: a: is given twice; the first is in line 1",
    ]


def test_anchors_aliases_merges_and_tags_are_refused() -> None:
    assert problems("""\
        a: &shared {b: 1}
        c: *shared
        d: {<<: {e: 1}}
        f: !secret x
        """) == [
        "p.yaml:1:4: a: a policy has no anchors or aliases: remove &shared, write it out",
        "p.yaml:3:5: d.<<: a policy has no merge keys: write the options out",
        "p.yaml:4:4: f: a policy has no tags: remove !secret",
    ]


def test_an_alias_inside_its_own_anchor_ends() -> None:
    assert len(problems("a: &loop [*loop]\n")) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "p.yaml:1:1: is empty; a policy begins with version: 1"),
        ("# nothing\n", "p.yaml:1:1: is empty; a policy begins with version: 1"),
        ("- 1\n", "p.yaml:1:1: a policy is a mapping that begins with version: 1"),
        ("a:\n\tb: 1\n", "p.yaml:2:1: is not YAML: a tab cannot indent: use spaces"),
        ("a: \x01\n", "p.yaml:1:4: is not YAML: the character '\\x01' is not allowed"),
        ("? [a]\n: 1\n", "p.yaml:1:3: a key is plain text"),
        ("a: 1\n---\nb: 1\n", "p.yaml:2:1: is not YAML: but found another document"),
        (
            "a: [1\nb: 2\n",
            "p.yaml:2:2: is not YAML: expected ',' or ']', but got ':' (while parsing a flow sequence",
        ),
        ("a: " + "[" * 5000, "p.yaml:1:1: is nested too deeply to be a policy"),
    ],
)
def test_an_unreadable_document_is_one_clear_problem(text: str, problem: str) -> None:
    [found] = problems(text)
    assert found.startswith(problem)


@given(st.text())
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    with suppress(PolicyError):
        assert read(text, "p.yaml").values[()].line >= 1
