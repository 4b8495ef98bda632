"""What a real Helm makes of the charts is what the oldest and the newest Kubernetes take."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import helm_python
import jsonschema
import kubernetes_validate.utils
import pytest
import referencing
from helm_python import HelmError
from ruamel.yaml import YAML

from tests.deploy.helm.rendering import (
    CI,
    EXAMPLE,
    MODES,
    NEWEST,
    OLDEST,
    PAYGUARD,
    Manifest,
    Release,
    ci,
    gateway,
    pod,
)

OPERATOR = {
    "PodMonitor": {"selector", "podMetricsEndpoints"},
    "PrometheusRule": {"groups"},
}
"""Kinds of the Prometheus operator, of which no schema is at hand: what may stand in their specification."""

CHECKED: set[tuple[str, str]] = set()


@cache
def schemas(version: str) -> tuple[str, referencing.Registry]:
    folder = f"v{version}.0-local-strict"
    definitions = kubernetes_validate.utils.schema_contents(
        f"kubernetes-json-schema/{folder}/_definitions.json", version
    )
    return folder, referencing.Resource.from_contents(definitions) @ referencing.Registry()


@cache
def validator(version: str, kind: str, api: str) -> jsonschema.Draft202012Validator:
    """As kubernetes_validate.validate makes it for each object anew, which takes a tenth of a second."""
    folder, definitions = schemas(version)
    group, _, number = api.rpartition("/")
    name = f"{kind.lower()}-{group.partition('.')[0]}-{number}".replace("--", "-")
    schema = kubernetes_validate.utils.schema_contents(f"kubernetes-json-schema/{folder}/{name}.json", version)
    registry = referencing.Resource.from_contents(schema) @ definitions
    return jsonschema.Draft202012Validator(schema, registry=registry)


def check(manifest: Manifest, version: str) -> None:
    """Strictly: a field that this version does not know is an error."""
    known = (version, json.dumps(manifest, sort_keys=True))
    if known in CHECKED:
        return
    if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
        assert set(manifest) == {"apiVersion", "kind", "metadata", "spec"}
        assert set(manifest["spec"]) == OPERATOR[manifest["kind"]]
    else:
        validator(version, manifest["kind"], manifest["apiVersion"]).validate(manifest)
    CHECKED.add(known)


def test_the_newest_is_the_newest_whose_schemas_are_at_hand() -> None:
    assert kubernetes_validate.utils.major_minor(kubernetes_validate.utils.latest_version()) == NEWEST


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    service: dict[str, Any] = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"prots": []}}
    with pytest.raises(jsonschema.ValidationError, match="prots"):
        check(service, OLDEST)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CI)
def test_kubernetes_takes_what_is_rendered(example, chart, name, mode, version) -> None:
    values = ci(name) | {"mode": mode}
    if name == "image-volume" and version == OLDEST:
        with pytest.raises(HelmError, match=r"which clusters have from Kubernetes 1\.35 on, and this is v1\.30\.0"):
            example.render(values, version)
        return
    manifests = example.render(values, version)
    for each in manifests:
        check(each, version)
    alone = {each["kind"] for each in chart.render(values, version)}
    assert {each["kind"] for each in manifests} == alone | {"Deployment", "ConfigMap"}


def test_the_kinds_that_everything_switched_on_makes(example) -> None:
    kinds = sorted(each["kind"] for each in example.render(ci("postgresql")))
    assert kinds == [
        "ConfigMap",
        "ConfigMap",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Job",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "PodMonitor",
        "PrometheusRule",
        "Service",
        "Service",
    ]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", CI)
def test_a_strict_lint_finds_nothing(name, version) -> None:
    values = ci(name) | ({"plugins": {"sources": []}} if name == "image-volume" else {})
    found = helm_python.lint(PAYGUARD, values, strict=True, kube_version=f"v{version}.0")
    assert [each for each in found["messages"] if each["severity"] > 1] == []
    assert found["errors"] == []


def test_a_strict_lint_of_the_example_finds_nothing(installed) -> None:
    found = helm_python.lint(installed.path, {}, strict=True, with_subcharts=True, kube_version=f"v{OLDEST}.0")
    assert [each for each in found["messages"] if each["severity"] > 1] == []
    assert found["errors"] == []


def test_the_example_installs_as_it_is(installed) -> None:
    manifests = installed.render({})
    for each in manifests:
        check(each, OLDEST)
    assert gateway(manifests) in pod(manifests)["initContainers"]


@pytest.mark.parametrize("mode", MODES)
def test_no_key_is_there_twice_and_each_template_makes_one_object(example, mode) -> None:
    for name in ("postgresql", "plugins"):
        for text in example.texts(ci(name) | {"mode": mode}).values():
            assert len([each for each in YAML(typ="safe").load_all(text) if each]) <= 1  # refuses a key that is twice


def test_an_older_kubernetes_is_refused_where_another_chart_depends_on_this_one(tmp_path) -> None:
    (tmp_path / "charts").mkdir()
    helm_python.package(PAYGUARD, destination=tmp_path / "charts")
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")
    shop = Release(tmp_path, key="payguard")
    with pytest.raises(HelmError, match=r"Kubernetes is v1\.29\.0, and would drop the backend's preStop sleep"):
        shop.render(ci("sqlite"), "1.29")
    assert shop.render(ci("sqlite"), OLDEST)


@pytest.mark.parametrize("chart_folder", [PAYGUARD, EXAMPLE], ids=lambda path: path.name)
def test_an_older_kubernetes_is_refused_by_the_chart(chart_folder) -> None:
    assert YAML(typ="safe").load((chart_folder / "Chart.yaml").read_text())["kubeVersion"] == f">={OLDEST}.0-0"
