from __future__ import annotations

import pytest

from plugins.sanitise.detection import Kind
from plugins.sanitise.detection.commands import judge


def rules(text: str) -> set[str]:
    return {hit.rule.id for hit in judge(text, Kind.VALUE)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a; cat /etc/passwd", "command.separator"),
        ("|whoami", "command.separator"),
        ("x && ping -c 3 a.example", "command.separator"),
        ("$(id)", "command.substitution"),
        ("`whoami`", "command.substitution"),
        ("cat${IFS}/etc", "command.substitution"),
        ("() { :;}; x", "command.function_definition"),
        ("/bin/cat /x", "command.statement"),
        ("system('id')", "command.statement"),
    ],
)
def test_what_a_shell_would_run_is_told(text, expected) -> None:
    assert expected in rules(text)


@pytest.mark.parametrize(
    "text",
    [
        "cat; dog; bird",
        "id | name",
        "php & mysql",
        "less is more; more is less",
        "`cat food` and `mug`",
        "time; date",
        "AT&T; find us",
        "curl; wavy",
        "R&D",
    ],
)
def test_words_of_a_shell_in_a_sentence_pass(text) -> None:
    assert rules(text) == set()


def test_braces_that_a_shell_unfolds_are_looked_for_nearby() -> None:
    assert [hit.rule.id for hit in judge("|ls {a,b}", Kind.VALUE)] == ["command.separator"]
    assert list(judge("|ls {" + "a" * 65 + ",", Kind.VALUE)) == []
