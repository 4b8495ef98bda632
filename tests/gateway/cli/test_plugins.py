"""``payguard plugins``, as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.plugins import plugins

HELLO = '''"""Say hello.  And more."""
from gateway import Component, Config, Filter, Principal, hookimpl

class Options(Config):
    word: str = "hello"
    """What is said."""

class Hello(Filter[Options]):
    """Greets.

    Twice.
    """
    name = "hello"
    Config = Options
    requires = (Principal,)

    @classmethod
    def catalogue(cls):
        return {"words": [{"word": "hello", "language": "English"}, {"word": "[ciao]", "language": "Italian"}]}

class Greetings(Component[Config]):
    name = "greetings"

@hookimpl
def register_filters(): return [Hello]

@hookimpl
def register_components(): return [Greetings]
'''


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "hello.py").write_text(HELLO)
    return tmp_path / "ours"


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "300"}).invoke(plugins, [str(each) for each in arguments])


def test_list_shows_what_each_plugin_contributes(ours) -> None:
    shown = run("list", "--plugin-dir", ours)

    assert shown.exit_code == 0
    for words in ("filter principal", "filter hello", "component greetings", "Say hello.", str(ours / "hello.py")):
        assert words in shown.stdout


def test_list_as_json(ours) -> None:
    [*_, ours_listed] = json.loads(run("list", "--json", "--plugin-dir", ours).stdout)

    assert ours_listed == {
        "name": "hello",
        "file": str(ours / "hello.py"),
        "summary": "Say hello.  And more.",
        "filters": ["hello"],
        "guards": [],
        "resolvers": [],
        "observers": [],
        "components": ["greetings"],
        "commands": [],
    }


@pytest.mark.parametrize("name", ["hello", "greetings"])
def test_show_finds_a_plugin_by_its_name_or_by_that_of_a_part(ours, name) -> None:
    shown = run("show", name, "--plugin-dir", ours)

    assert shown.exit_code == 0
    for words in (
        "filter hello",
        "Greets.",
        "Twice.",
        "requires Principal",
        "word",
        "What is said.",
        "component greet",
        "words",
        "language",
        "[ciao]  Italian",
    ):
        assert words in shown.stdout


def test_show_as_json_has_the_schema_of_the_options(ours) -> None:
    hello = json.loads(run("show", "hello", "--json", "--plugin-dir", ours).stdout)["parts"][0]

    assert (hello["kind"], hello["name"], hello["requires"], hello["provides"]) == (
        "filter",
        "hello",
        ["Principal"],
        [],
    )
    assert hello["doc"] == "Greets.\n\nTwice."
    assert hello["options"]["properties"]["word"]["default"] == "hello"
    assert hello["shadowable"] is True
    assert [each["word"] for each in hello["catalogue"]["words"]] == ["hello", "[ciao]"]


def test_a_name_that_nothing_has_is_refused(ours) -> None:
    shown = run("show", "helo", "--plugin-dir", ours)

    assert shown.exit_code == 2
    assert "no loaded plugin is named 'helo'" in shown.stderr


def test_a_plugin_that_cannot_be_taken_is_one_line_and_exit_2(ours) -> None:
    (ours / "hello.py").write_text(HELLO.replace("register_filters", "register_filter"))
    shown = run("list", "--plugin-dir", ours)

    assert shown.exit_code == 2
    assert len(shown.stderr.splitlines()) == 1
    assert "did you mean 'register_filters'?" in shown.stderr


@pytest.mark.parametrize("options", [[], ["--folder"]])
def test_what_new_writes_passes_its_own_test(tmp_path, options) -> None:
    written = run("new", "our_rule", "--dir", tmp_path / "ours", *options)
    assert written.exit_code == 0, written.output

    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path / "ours",
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "2 passed" in tested.stdout
    assert "filter our_rule" in run("list", "--plugin-dir", tmp_path / "ours").stdout


@pytest.mark.parametrize("name", ["Our", "our-rule", "1st", "our rule", "class", "../out", "test_it", "tests"])
def test_new_refuses_a_name_that_could_not_be_loaded(tmp_path, name) -> None:
    refused = run("new", name, "--dir", tmp_path)

    assert refused.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["principal", "body_limit"])
def test_new_refuses_the_name_of_a_built_in(tmp_path, name) -> None:
    assert "is the name of a plugin that exists" in run("new", name, "--dir", tmp_path).stderr


@pytest.mark.parametrize("existing", ["our_rule.py", "our_rule/__init__.py", "tests/test_our_rule.py"])
def test_new_writes_nothing_where_something_is(tmp_path, existing) -> None:
    (tmp_path / existing).parent.mkdir(exist_ok=True)
    (tmp_path / existing).write_text("precious")
    refused = run("new", "our_rule", "--dir", tmp_path)

    assert refused.exit_code == 2
    assert "nothing was written" in refused.stderr
    assert (tmp_path / existing).read_text() == "precious"
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
