from __future__ import annotations

import inspect
import re

import pytest

import gateway
from gateway import hookspecs

SPECIFICATIONS = {name: each for name, each in vars(hookspecs).items() if hasattr(each, "payguard_spec")}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_says_what_it_is_for_in_one_sentence(name) -> None:
    assert re.fullmatch(r"[A-Z][^\n]+[^.\s]", inspect.getdoc(SPECIFICATIONS[name]) or "")


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_hook_registers_creates_or_reports(name) -> None:
    word = name.partition("_")[0]
    parameters = inspect.signature(SPECIFICATIONS[name]).parameters

    assert word in ("register", "create", "policy")
    assert word != "register" or not parameters


def test_plugins_mark_their_hooks_with_what_the_package_exports() -> None:
    assert gateway.hookimpl is hookspecs.hookimpl
    assert hookspecs.hookimpl.project_name == hookspecs.hookspec.project_name == hookspecs.PROJECT
