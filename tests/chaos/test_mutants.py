from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import replace

from chaos.mutants import FOLDER, MUTANTS, options


def test_every_mutant_changes_something_and_every_change_is_a_mutant() -> None:
    """Not imported: it would be a mutant of the gateways in this process."""
    module = ast.parse((FOLDER / "mutant.py").read_text())
    functions = [each for each in module.body if isinstance(each, ast.FunctionDef) and not each.decorator_list]

    assert {mutant.name for mutant in MUTANTS} == {each.name for each in functions if not each.name.startswith("_")}
    assert len(MUTANTS) >= 10


APPLY = "import mutant\nfor change in mutant.CHANGES.values():\n    change()\nprint(len(mutant.CHANGES))"


def test_every_mutant_finds_what_it_takes_away() -> None:
    """All in one process, one over another: only that the functions are there is looked at."""
    done = subprocess.run([sys.executable, "-c", APPLY], env=environ(), capture_output=True, text=True, check=False)

    assert done.stdout.strip() == str(len(MUTANTS)), done.stderr


def environ() -> dict[str, str]:
    """Under which ``mutant`` can be imported, and is none by itself."""
    paths = [str(FOLDER), str(FOLDER.parent.parent)]
    return {name: value for name, value in os.environ.items() if name != "CHAOS_MUTANT"} | {
        "PYTHONPATH": os.pathsep.join(paths)
    }


def test_a_mutant_is_dropped_into_its_gateway() -> None:
    made = options(MUTANTS[0], seed=5)

    assert made.arguments == ("--plugin-dir", str(FOLDER))
    assert dict(made.settings) == {"CHAOS_MUTANT": MUTANTS[0].name}
    assert made.seed == 5


def test_the_control_is_the_same_plan_with_the_gateway_as_it_is() -> None:
    for mutant in MUTANTS:
        assert options(mutant, seed=5, control=True) == replace(options(mutant, seed=5), settings=())
