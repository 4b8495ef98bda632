"""Tests mirror the tree: each module has its test file, and each test file its module."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("gateway", "plugins")

UNTESTED: frozenset[str] = frozenset()
"""Modules that only the tests of others run.  May only shrink: an entry that is no longer needed fails."""


def has_code(module: Path) -> bool:
    """An ``__init__.py`` that only says what its package is, or hands on names and hooks, is tested by its modules."""
    if module.name not in ("__init__.py", "__main__.py"):
        return True
    return any(isinstance(each, ast.ClassDef) for each in ast.parse(module.read_text()).body)


def expected_test(module: Path) -> Path:
    """``gateway/control/plugins.py`` -> ``tests/gateway/control/test_plugins.py``; a package's own code by its name."""
    stem = module.parent.name if module.name == "__init__.py" else module.stem
    return Path("tests") / module.parent / f"test_{stem}.py"


def modules() -> dict[Path, str]:
    """The test file of each module that should have one."""
    found = (path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return {expected_test(module): module.as_posix() for module in found if has_code(ROOT / module)}


def mirrored() -> set[Path]:
    return {path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / "tests" / folder).rglob("test_*.py")}


def test_each_module_has_its_test_file_but_those_on_the_list() -> None:
    untested = {module for test, module in modules().items() if test not in mirrored()}

    assert untested - UNTESTED == set(), "write their tests"
    assert UNTESTED - untested == set(), "take them off the list"


def test_each_test_file_has_its_module() -> None:
    assert mirrored() - modules().keys() == set()
