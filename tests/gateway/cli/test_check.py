import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.check import check

GOOD = """\
version: 1
upstreams: {backend: {url: "http://127.0.0.1:9000"}}
routes:
  - {name: all, match: {}, upstream: backend}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "odd.yaml").write_text(GOOD + "  - {name: never, match: {}, upstream: backend}\n")
    (tmp_path / "bad.yaml").write_text(GOOD.replace("backend}", "backnd, filters: [greet]}"))
    return tmp_path


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(check, list(arguments), input=text)


BAD = [
    "bad.yaml:4:38: routes[0].upstream: no upstream has this name; did you mean 'backend'?",
    "bad.yaml:4:56: routes[0].filters[0].greet: no loaded plugin has a filter of this name",
]


@pytest.mark.usefixtures("folder")
def test_a_good_policy_is_said_to_be_good() -> None:
    result = run("good.yaml")
    assert (result.exit_code, result.output) == (0, "good.yaml: ok\n")


@pytest.mark.usefixtures("folder")
def test_every_problem_of_every_policy_is_printed_and_exits_with_1() -> None:
    result = run("bad.yaml", "good.yaml")
    assert result.exit_code == 1
    assert result.output.splitlines() == [*BAD, "good.yaml: ok"]


@pytest.mark.usefixtures("folder")
def test_a_warning_is_printed_and_fails_nothing() -> None:
    result = run("odd.yaml")
    assert result.exit_code == 0
    assert result.output.startswith("odd.yaml:5:5: warning: routes[1]: is never reached")
    assert result.output.endswith("odd.yaml: ok\n")


@pytest.mark.usefixtures("folder")
def test_a_machine_reads_the_same() -> None:
    result = run("bad.yaml", "--json")
    assert result.exit_code == 1
    told = json.loads(result.output)
    assert told["ok"] is False
    assert told["problems"][0] == {
        "source": "bad.yaml",
        "line": 4,
        "column": 38,
        "path": "routes[0].upstream",
        "message": "no upstream has this name; did you mean 'backend'?",
        "level": "error",
    }


def test_a_policy_may_come_from_a_pipe() -> None:
    assert run("-", text=GOOD).output == "-: ok\n"


def test_a_file_that_is_not_there_exits_with_2() -> None:
    result = run("none.yaml")
    assert result.exit_code == 2
    assert "none.yaml" in result.output


def test_a_dropped_in_plugin_is_known(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "greet.py").write_text(
        "from gateway import Config, Filter, hookimpl\n"
        "class Greet(Filter[Config]):\n    name = 'greet'\n"
        "@hookimpl\ndef register_filters(): return [Greet]\n"
    )
    assert run("bad.yaml", "--plugin-dir", "mine").output.splitlines() == BAD[:1]
