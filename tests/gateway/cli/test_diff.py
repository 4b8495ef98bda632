import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.diff import diff

OLD = """\
version: 1
upstreams: {backend: {url: "http://127.0.0.1:9000"}}
routes:
  - {name: all, match: {}, upstream: backend, filters: [body_limit: {bytes: 16KiB}]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.yaml").write_text(OLD)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(diff, list(arguments))


def test_policies_that_differ_in_words_only_are_the_same(folder: Path) -> None:
    (folder / "new.yaml").write_text(
        OLD.replace("16KiB", "16384").replace("version", "# hello\ntenant: default\nversion")
    )
    result = run("old.yaml", "new.yaml")
    assert (result.exit_code, result.output) == (0, "")


def test_what_changed_is_told_by_path_and_exits_with_1(folder: Path) -> None:
    (folder / "new.yaml").write_text(OLD.replace("16KiB", "1MiB").replace('9000"', '9000", timeouts: {total: 5s}'))
    result = run("old.yaml", "new.yaml")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "upstreams[backend].timeouts.total: 10s -> 5s",
        "routes[all].filters[body_limit].options.bytes: 16KiB -> 1MiB",
    ]
    told = json.loads(run("old.yaml", "new.yaml", "--json").output)
    assert told[0] == {"path": "upstreams[backend].timeouts.total", "kind": "changed", "was": "10s", "now": "5s"}


def test_a_policy_with_problems_cannot_be_compared(folder: Path) -> None:
    (folder / "new.yaml").write_text("version: 1\n")
    result = run("old.yaml", "new.yaml")
    assert result.exit_code == 2
    assert "new.yaml:1:1: upstreams: is required" in result.stderr
