"""The Dockerfile: what it copies is there, what it must not have is not, and a linter finds nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.helm.rendering import ci, gateway

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
HADOLINT = Path(sys.executable).parent / "hadolint"


def hadolint(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HADOLINT, "-"], input=text, capture_output=True, text=True, check=False)


def instructions(stage: str | None = None) -> list[str]:
    """Of one stage, or of all, continued lines joined."""
    joined = re.sub(r"\\\n", " ", DOCKERFILE)
    found = [re.sub(r" +", " ", line) for line in joined.splitlines() if line and not line.startswith("#")]
    if stage is None:
        return found
    begin = next(n for n, line in enumerate(found) if line.endswith(f" AS {stage}"))
    end = next((n for n, line in enumerate(found) if n > begin and line.startswith("FROM ")), len(found))
    return found[begin:end]


def test_a_linter_finds_nothing() -> None:
    found = hadolint(DOCKERFILE)
    assert (found.stdout, found.returncode) == ("", 0)


def test_the_linter_finds_what_is_wrong() -> None:
    assert "DL3025" in hadolint(DOCKERFILE.replace('ENTRYPOINT ["payguard"]', "ENTRYPOINT payguard")).stdout


def test_the_last_stage_is_the_gateway_and_runs_it() -> None:
    last = [line for line in instructions() if line.startswith("FROM ")][-1]
    assert last == "FROM runtime AS gateway"
    said = dict(line.split(" ", 1) for line in instructions("gateway"))
    assert json.loads(said["ENTRYPOINT"]) == ["payguard"]
    assert json.loads(said["CMD"])[:2] == ["serve", "--policy"]


def test_the_user_is_a_number_and_health_is_kubernetes_to_ask() -> None:
    assert "USER 65532:65532" in instructions("runtime")
    assert not any(line.startswith(("HEALTHCHECK", "USER")) for line in instructions("gateway"))


def test_nothing_that_installs_is_left() -> None:
    assert any("pip uninstall" in line for line in instructions("runtime"))
    assert not any("apt-get" in line for line in instructions())
    assert [line for line in instructions("gateway") if line.startswith("COPY")] == [
        "COPY --from=build /opt/payguard /opt/payguard"
    ]


def test_the_image_says_what_it_is() -> None:
    [label] = [line for line in instructions("gateway") if line.startswith("LABEL")]
    assert set(re.findall(r"org\.opencontainers\.image\.(\w+)", label)) == {
        "title",
        "description",
        "licenses",
        "version",
        "revision",
    }


def copied() -> list[str]:
    """What is copied from the folder that is built."""
    lines = [line.split()[1:-1] for line in instructions() if line.startswith("COPY") and "--from" not in line]
    return [each for line in lines for each in line]


def test_what_is_copied_is_there_and_sent_to_the_engine() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert rules[0] == "*", "what is not named is not sent"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(copied())
    for each in copied():
        assert (ROOT / each).exists(), each


def test_the_index_is_asked_for_nothing_that_no_lock_names() -> None:
    script = (ROOT / "deploy" / "image" / "install").read_text()
    lines = re.findall(r"^ +(?:install|\"\$work/build/bin/pip\" install) (.*)$", script, re.MULTILINE)
    assert len(lines) == 4
    for line in lines:
        assert "--require-hashes" in line or "--no-index" in line


def test_without_an_engine_make_says_so() -> None:
    made = subprocess.run(["make", "image", "ENGINE="], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 2
    assert "make image needs docker or podman" in made.stderr


def test_the_chart_runs_what_the_image_runs(example) -> None:
    said = dict(line.split(" ", 1) for line in instructions("gateway"))
    by_itself = [*json.loads(said["ENTRYPOINT"]), *json.loads(said["CMD"])]
    container = gateway(example.render(ci("sqlite")))
    assert container["command"] == by_itself
    folder = said["ENV"].removeprefix("PAYGUARD_DATA_DIR=")
    assert {"name": "PAYGUARD_DATA_DIR", "value": folder} in container["env"]


def locked(name: str) -> set[tuple[str, str]]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return set(re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", text, re.MULTILINE))


def test_the_example_has_what_the_gateway_has_and_its_own() -> None:
    assert locked("run") < locked("example")
    assert {name for name, _ in locked("example") - locked("run")} >= {"stripe"}


@pytest.mark.parametrize("name", ["run", "example", "build"])
def test_every_lock_of_the_image_has_hashes(name) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert all("--hash=sha256:" in each for each in re.split(r"^(?=[a-z0-9.-]+==)", text, flags=re.MULTILINE)[1:])
