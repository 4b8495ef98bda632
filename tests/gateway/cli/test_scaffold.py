from __future__ import annotations

import ast

import pytest

from gateway.cli.scaffold import scaffold


@pytest.mark.parametrize("folder", [False, True])
def test_every_file_is_python_and_nothing_is_left_to_fill_in(folder) -> None:
    for text in scaffold("our_rule", folder=folder).values():
        ast.parse(text)
        assert "$" not in text


def test_a_file_and_its_test() -> None:
    assert {str(path) for path in scaffold("our_rule", folder=False)} == {"our_rule.py", "tests/test_our_rule.py"}


def test_a_folder_and_its_test() -> None:
    paths = {str(path) for path in scaffold("our_rule", folder=True)}
    assert paths == {"our_rule/__init__.py", "our_rule/filter.py", "tests/test_our_rule.py"}


def test_names_are_written_as_each_place_writes_them() -> None:
    text = "\n".join(scaffold("our_rule", folder=False).values())
    for word in ("class OurRule(", 'name = "our_rule"', '"x-our-rule"', "our_rule_missing"):
        assert word in text
