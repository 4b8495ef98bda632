"""docs/kubernetes.md: what it shows is what the chart, Kubernetes and the commands take."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import helm_python
import pytest
from click.testing import CliRunner
from promql_parser import parse
from ruamel.yaml import YAML

from gateway.cli import payguard
from gateway.telemetry.catalogue import SERIES
from tests.deploy.helm.rendering import PAYGUARD, Release, containers, gateway, merged, named, pod
from tests.deploy.helm.test_versions import check

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "kubernetes.md").read_text()
HELM = {
    "lint": {"--strict"},
    "template": {"--namespace"},
    "upgrade": {"--install", "--namespace", "--wait", "--timeout", "--values", "--set", "--reuse-values"},
    "package": {"--destination"},
    "push": set(),
    "dependency": set(),
    "history": {"--namespace"},
    "rollback": {"--namespace", "--wait"},
    "uninstall": {"--namespace"},
}
"""Those of Helm 3 and 4 alike that the page may use."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """Each YAML block under the name in its first line."""
    return {block.partition("\n")[0].removeprefix("# "): block for block in blocks("yaml")}


def commands() -> list[list[str]]:
    """Every command of a block or between backquotes, pipes taken apart."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    inline = re.findall(r"`((?:helm|kubectl|payguard|make) [^`]+)`", PAGE)
    return [words for line in [*lines, *inline] for words in piped(line)]


def piped(line: str) -> Iterator[list[str]]:
    words: list[str] = []
    for word in shlex.split(line):
        if word in ("|", ">", "<"):
            yield words
            words = []
        else:
            words.append(word)
    yield words


def of(program: str) -> list[list[str]]:
    """The arguments of each command of this program, also of those run in a container."""
    found = [words[1:] for words in commands() if words[0] == program]
    inside = [words[words.index("--") + 1 :] for words in commands() if "--" in words]
    return found + [words[1:] for words in inside if words[0] == program]


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Release:
    """The chart of a team that did what the page says."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "templates").mkdir()
    (folder / "charts").mkdir()
    declared = files()
    dependency = declared["Chart.yaml"].replace("oci://registry.example.com/charts", "file://")
    (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: shop\nversion: 1.0.0\n{dependency}")
    (folder / "values.yaml").write_text(declared["values.yaml"])
    (folder / "templates" / "deployment.yaml").write_text(declared["templates/deployment.yaml"])
    helm_python.package(PAYGUARD, destination=folder / "charts")
    return Release(folder)


def test_the_chart_of_the_page_is_what_kubernetes_takes(shop) -> None:
    manifests = shop.render({})
    for each in manifests:
        check(each, "1.30")
    assert gateway(manifests)["restartPolicy"] == "Always"
    assert {each["kind"] for each in manifests} >= {"Deployment", "Service", "NetworkPolicy", "PodMonitor"}
    mounted = {mount["name"] for each in containers(pod(manifests)) for mount in each.get("volumeMounts", [])}
    assert mounted == {each["name"] for each in pod(manifests)["volumes"]}


def test_a_strict_lint_of_that_chart_finds_nothing(shop) -> None:
    found = helm_python.lint(shop.path, {}, strict=True, kube_version="v1.30.0")
    assert [each for each in found["messages"] if each["severity"] > 1] == []


def test_the_second_deployment_of_the_page_shares_the_first_one_s_service(shop) -> None:
    stable, canary = shop.render({}), shop.render(YAML(typ="safe").load(files()["canary.yaml"]))
    selector = named(stable, "Service")["spec"]["selector"].items()
    pods = [named(each, "Deployment")["spec"]["template"]["metadata"]["labels"] for each in (stable, canary)]
    assert all(selector <= labels.items() for labels in pods)
    chosen = [named(each, "Deployment")["spec"]["selector"]["matchLabels"] for each in (stable, canary)]
    assert not chosen[0].items() <= pods[1].items(), "a Deployment must not take the other's pods for its own"
    assert {"Service", "PrometheusRule", "ConfigMap"}.isdisjoint(each["kind"] for each in canary)
    assert gateway(stable)["env"] == gateway(canary)["env"]


def test_the_restoring_pod_is_what_kubernetes_takes() -> None:
    check(YAML(typ="safe").load(files()["restore.yaml"]), "1.30")


def test_the_status_pod_is_what_kubernetes_takes() -> None:
    [run] = [words for words in of("kubectl") if words[0] == "run"]
    spec = json.loads(run[run.index("--overrides") + 1])["spec"]
    check({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}, "1.30")


def test_a_namespace_that_takes_restricted_pods_alone_takes_those_of_the_page() -> None:
    [run] = [words for words in of("kubectl") if words[0] == "run"]
    specs = [
        json.loads(run[run.index("--overrides") + 1])["spec"],
        YAML(typ="safe").load(files()["restore.yaml"])["spec"],
    ]
    for spec in specs:
        for each in spec["containers"]:
            context = spec.get("securityContext", {}) | each["securityContext"]
            assert context["runAsNonRoot"] is True
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}


def test_the_claim_that_is_restored_is_the_chart_s_own(example) -> None:
    values: dict[str, Any] = {
        "workload": {"name": "shop", "selector": {"app": "shop"}},
        "policy": {"existingConfigMap": "shop-policy"},
        "data": {"claim": {"create": True}},
    }
    claim = named(example.render(values), "PersistentVolumeClaim")["metadata"]["name"]
    assert f"claimName: {claim}" in files()["restore.yaml"]


def test_every_command_of_payguard_exists() -> None:
    said = [words for words in of("payguard") if words]
    assert len(said) >= 6
    for words in said:
        names = [word for word in words if re.fullmatch("[a-z]+", word)]
        shown = CliRunner().invoke(payguard, [*names[:2], "--help"])
        assert shown.exit_code == 0, words
        flags = {word for word in words if word.startswith("--")}
        assert flags <= set(re.findall(r"--[a-z-]+", shown.output)), words


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {words[0] for words in of("make")} <= targets


def test_every_command_of_helm_is_one_and_its_values_are_taken(shop) -> None:
    for words in of("helm"):
        flags = {word for word in words if word.startswith("--")}
        assert flags <= HELM[words[0]], words
        assert all((ROOT / word).exists() for word in words if word.startswith("deploy/")), words
        for flag, value in pairwise(words):
            if flag == "--set":
                assert shop.render(merged({}, helm_python.parse_set_string(value)))


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on the PATH: its flags are not checked")
def test_every_flag_of_kubectl_is_one() -> None:
    everywhere = flags_of("options")
    for words in of("kubectl"):
        own = words[: words.index("--")] if "--" in words else words
        verb = own[: {"create": 3 if own[1] == "secret" else 2, "rollout": 2}.get(own[0], 1)]
        given = {word.partition("=")[0] for word in own if word.startswith("--")}
        assert given <= flags_of(*verb, "--help") | everywhere, words


@cache
def flags_of(*words: str) -> set[str]:
    shown = subprocess.run(["kubectl", *words], capture_output=True, text=True, check=True)
    return set(re.findall(r"(--[a-z-]+)[=\[ ]", shown.stdout))


def test_every_command_is_one_of_a_few_programs() -> None:
    programs = {words[0] for words in commands() if words and "=" not in words[0]}
    assert programs <= {"make", "docker", "helm", "kubectl", "payguard", "pg_dump", "pg_restore", "copy.db"}


def test_every_question_of_the_page_is_one_of_metrics_that_exist() -> None:
    asked = [each for each in re.findall(r"`([^`]*payguard_[^`]*)`", PAGE) if "example" not in each]
    assert len(asked) >= 4
    for question in asked:
        parse(question)
        assert set(re.findall(r"payguard_[a-z_]+", question)) <= {each.name for each in SERIES}
