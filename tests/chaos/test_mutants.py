from __future__ import annotations

import ast

from chaos.mutants import FOLDER, MUTANTS, options


def test_every_mutant_changes_something_and_every_change_is_a_mutant() -> None:
    """Not imported: it would be a mutant of the gateways in this process."""
    module = ast.parse((FOLDER / "mutant.py").read_text())
    functions = [each for each in module.body if isinstance(each, ast.FunctionDef) and not each.decorator_list]

    assert {mutant.name for mutant in MUTANTS} == {each.name for each in functions if not each.name.startswith("_")}
    assert len(MUTANTS) >= 10


def test_a_mutant_is_dropped_into_its_gateway() -> None:
    made = options(MUTANTS[0], seed=5)

    assert made.arguments == ("--plugin-dir", str(FOLDER))
    assert dict(made.settings) == {"CHAOS_MUTANT": MUTANTS[0].name}
    assert made.seed == 5
