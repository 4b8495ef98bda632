import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import BUILT_IN, payguard

ROOT = Path(__file__).parents[3]

HELLO = '''
import click
from gateway import hookimpl

@click.command()
def hello():
    """Say hello."""
    click.echo("hello")

@hookimpl
def register_commands():
    return [hello]
'''


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner(env=environ).invoke(payguard, list(arguments), prog_name="payguard")


def test_help_names_every_command_and_the_exit_codes() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert all(f"  {name} " in result.output for name in BUILT_IN)
    assert "2  it cannot start, or was asked in the wrong way" in result.output


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_command_helps_and_says_its_exit_codes_or_has_commands_that_do(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: payguard {name}")


def test_a_misspelled_command_is_guessed() -> None:
    result = run("chekc")
    assert result.exit_code == 2
    assert "there is no command 'chekc'; did you mean 'check'?" in result.output


def test_a_plugin_adds_commands(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(HELLO)
    assert "Say hello." in run("--help", PAYGUARD_PLUGIN_DIRS=str(tmp_path)).output
    assert run("hello", PAYGUARD_PLUGIN_DIRS=str(tmp_path)).output == "hello\n"


def test_a_plugins_command_does_not_take_the_name_of_one_of_the_cores(tmp_path: Path) -> None:
    (tmp_path / "taken.py").write_text(HELLO.replace("def hello", "def check").replace("[hello]", "[check]"))
    result = run("--help", PAYGUARD_PLUGIN_DIRS=str(tmp_path))
    assert "a plugin's command is called 'check', as one of payguard's own: rename it" in result.output


def test_help_is_there_although_a_plugin_is_broken(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_this_name")
    result = run("--help", PAYGUARD_PLUGIN_DIRS=str(tmp_path))
    assert result.exit_code == 0
    assert "cannot be imported" in result.output
    assert "check" in result.output


def test_it_runs_as_a_module_and_imports_nothing_that_it_does_not_need() -> None:
    code = "import sys, gateway.cli; print(*(sys.modules.keys() & {'httpx', 'uvicorn', 'ruamel', 'rich'}))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout == "\n"
    version = subprocess.run(
        [sys.executable, "-m", "gateway", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert version.stdout.startswith("payguard, version ")
