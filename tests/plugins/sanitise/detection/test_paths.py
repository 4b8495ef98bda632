from __future__ import annotations

import pytest

from plugins.sanitise.detection import Kind
from plugins.sanitise.detection.paths import judge


def rules(text: str, kind: Kind = Kind.VALUE) -> set[str]:
    return {hit.rule.id for hit in judge(text, kind)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("../../x", "path_traversal.dots"),
        ("a/..\\..\\..\\x", "path_traversal.dots"),
        ("....//....//x", "path_traversal.dots"),
        ("/etc/passwd", "path_traversal.local_file"),
        ("C:\\Windows\\win.ini", "path_traversal.local_file"),
        ("/proc/self/environ", "path_traversal.local_file"),
        ("php://filter/x", "path_traversal.wrapper"),
        ("file:///x", "path_traversal.wrapper"),
    ],
)
def test_a_way_out_of_a_folder_is_told(text, expected) -> None:
    assert expected in rules(text)


@pytest.mark.parametrize(
    "text", ["...", "../", "see ../table/5", "and/or", "1/2", "C:\\", "a..b", "etc/misc", "proceed/varied"]
)
def test_dots_and_strokes_of_a_sentence_pass(text) -> None:
    assert rules(text) == set()


def test_in_a_path_one_step_up_is_enough() -> None:
    assert rules("/a/../b", Kind.PATH) == {"path_traversal.dots"}
