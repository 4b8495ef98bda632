"""The pod that the templates make: what Kubernetes would take, and what would then not work."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import helm_python
import pytest

from tests.deploy.helm.rendering import (
    CI,
    MODES,
    NEWEST,
    PAYGUARD,
    Manifest,
    Release,
    ci,
    containers,
    gateway,
    merged,
    named,
    pod,
)

ALL = [*product(CI, MODES)]


@pytest.fixture(params=ALL, ids=["-".join(each) for each in ALL])
def manifests(example, request) -> list[Manifest]:
    name, mode = request.param
    return example.render(ci(name) | {"mode": mode}, NEWEST)


def twice(names: list[Any]) -> list[Any]:
    return [name for name, times in Counter(names).items() if times > 1]


def test_nothing_is_there_twice(manifests) -> None:
    spec = pod(manifests)
    assert twice([(each["kind"], each["metadata"]["name"]) for each in manifests]) == []
    assert twice([each["name"] for each in containers(spec)]) == []
    assert twice([each["name"] for each in spec["volumes"]]) == []
    assert twice([port["containerPort"] for each in containers(spec) for port in each.get("ports", [])]) == []
    for each in containers(spec):
        assert twice([variable["name"] for variable in each.get("env", [])]) == []
        assert twice([mount["mountPath"] for mount in each["volumeMounts"]]) == []


def test_two_gateways_of_one_release_do_not_meet(tmp_path) -> None:
    (tmp_path / "charts").mkdir()
    helm_python.package(PAYGUARD, destination=tmp_path / "charts")
    [file] = (tmp_path / "charts").iterdir()
    found = "".join(f"\n- {{name: payguard, version: {file.stem[9:]}, alias: {alias}}}" for alias in ("one", "other"))
    (tmp_path / "Chart.yaml").write_text(f"apiVersion: v2\nname: two\nversion: 1.0.0\ndependencies:{found}")
    values = ci("postgresql")
    other = merged(values, {"service": {"name": "other"}})
    manifests = Release(tmp_path).render({"one": values, "other": other})
    assert len(manifests) >= 18
    assert twice([(each["kind"], each["metadata"]["name"]) for each in manifests]) == []


def test_each_mount_has_its_volume_and_each_volume_a_mount(manifests) -> None:
    spec = pod(manifests)
    mounted = {mount["name"] for each in containers(spec) for mount in each["volumeMounts"]}
    assert mounted == {each["name"] for each in spec["volumes"]}


def test_nothing_is_mounted_by_sub_path(manifests) -> None:
    for each in containers(pod(manifests)):
        assert all(mount.keys() <= {"name", "mountPath", "readOnly"} for mount in each["volumeMounts"])


def test_ports_are_numbers_everywhere(manifests) -> None:
    container = gateway(manifests)
    probed = [container[probe]["httpGet"]["port"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")]
    targets = [port["targetPort"] for each in manifests if each["kind"] == "Service" for port in each["spec"]["ports"]]
    allowed = [
        port["port"]
        for each in manifests
        if each["kind"] == "NetworkPolicy"
        for rule in each["spec"]["ingress"]
        for port in rule["ports"]
    ]
    assert {type(port) for port in [*probed, *targets, *allowed]} == {int}
    assert {*targets, *allowed} <= {port["containerPort"] for port in container["ports"]}
    assert all("name" not in port for port in container["ports"])


def selectors(manifests: list[Manifest]) -> list[dict[str, str]]:
    """The labels by which each object selects pods."""
    specs = [each["spec"] for each in manifests if "spec" in each]
    found = [spec.get("podSelector") or spec.get("selector") for spec in specs]
    return [each.get("matchLabels", each) for each in found if each is not None]


def test_whatever_selects_pods_selects_these(manifests) -> None:
    labels = named(manifests, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    found = selectors(manifests)
    assert len(found) >= 2, "the Deployment's own and the Service's"
    for selector in found:
        assert selector
        assert selector.items() <= labels


def test_every_container_meets_the_restricted_standard(manifests) -> None:
    for each in containers(pod(manifests)):
        assert each["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod(manifests).keys()


def test_what_is_needed_is_requested_and_cpu_is_not_limited(manifests) -> None:
    for each in containers(pod(manifests)):
        assert each["resources"]["requests"].keys() == {"cpu", "memory"}
        assert each["resources"]["limits"].keys() == {"memory"}


def test_all_that_is_written_to_is_a_volume(manifests) -> None:
    writable = {mount["mountPath"] for mount in gateway(manifests)["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/tmp", "/var/lib/payguard"}


def test_the_grace_period_is_enough_and_the_backend_outlasts_draining(manifests) -> None:
    spec = pod(manifests)
    said = {each["name"]: each.get("value", "") for each in gateway(manifests)["env"]}
    drain, longest = (int(said[f"PAYGUARD_DRAIN_{each}"].removesuffix("s")) for each in ("DELAY", "DEADLINE"))
    [backend] = [each for each in spec["containers"] if each["name"] == "backend"]
    sleeps = backend["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] >= drain + longest + 10
    assert drain <= sleeps <= spec["terminationGracePeriodSeconds"] - longest


def test_no_secret_is_written_out(manifests) -> None:
    secret = ("KEY", "SALT", "TOKEN", "PASSWORD", "DATABASE_URL", "REDIS_URL")
    for each in containers(pod(manifests)):
        for variable in each.get("env", []):
            refers = "valueFrom" in variable or variable["value"].startswith("file:/etc/payguard/keys/")
            assert refers == variable["name"].endswith((*secret, "TOKEN_READ"))
    assert all(each["kind"] != "Secret" for each in manifests)


def test_a_sidecar_is_the_last_initcontainer_and_keeps_running(example) -> None:
    spec = pod(example.render(ci("plugins")))
    assert [each["name"] for each in spec["initContainers"]] == ["payguard-plugins-fraud", "payguard"]
    assert spec["initContainers"][-1]["restartPolicy"] == "Always"
    assert "restartPolicy" not in spec["initContainers"][0]
    assert [each["name"] for each in spec["containers"]] == ["backend"]


def test_a_plain_container_stands_beside_the_backend(example) -> None:
    spec = pod(example.render(ci("plugins") | {"mode": "container"}))
    assert [each["name"] for each in spec["initContainers"]] == ["payguard-plugins-fraud"]
    assert [each["name"] for each in spec["containers"]] == ["payguard", "backend"]
    assert "restartPolicy" not in spec["containers"][0]


def test_a_backend_outlasts_a_plain_container_s_last_request(example) -> None:
    slept = {
        mode: pod(example.render(ci("sqlite") | {"mode": mode}))["containers"][-1]["lifecycle"]["preStop"]["sleep"]
        for mode in MODES
    }
    assert slept == {"sidecar": {"seconds": 5}, "container": {"seconds": 7}}


def test_a_change_of_the_policy_alone_leaves_the_deployment_as_it_is(example) -> None:
    before = ci("inline")
    after = merged(before, {"policy": {"content": before["policy"]["content"].replace("9000", "9001")}})
    one, other = (example.texts(values) for values in (before, after))
    changed = {template for template, text in one.items() if other[template] != text}
    assert changed == {"payguard-example/charts/payguard/templates/policy.yaml"}


@pytest.mark.parametrize("before", ["", "  # a first line that is indented\n", "\n", "# ends in spaces  \n"])
def test_the_policy_s_text_reaches_the_gateway_as_it_is(example, before) -> None:
    text = before + ci("inline")["policy"]["content"]
    manifests = example.render(merged(ci("inline"), {"policy": {"content": text, "file": "true"}}))
    assert named(manifests, "ConfigMap", "shop-payguard-policy")["data"] == {"true": text}


def test_a_pod_with_a_volume_of_its_own_is_replaced_before_the_next_comes(example) -> None:
    one = merged(ci("pieces"), {"autoscaling": {"enabled": False}, "workload": {"replicas": 1}})
    claimed = merged(one, {"data": {"claim": {"create": True}}})
    assert named(example.render(claimed), "Deployment")["spec"]["strategy"] == {"type": "Recreate"}


def test_sqlite_replaces_its_pod_and_postgresql_rolls(example) -> None:
    assert named(example.render(ci("sqlite")), "Deployment")["spec"]["strategy"] == {"type": "Recreate"}
    assert "strategy" not in named(example.render(ci("postgresql")), "Deployment")["spec"]


def test_replicas_are_left_to_what_scales_them(example) -> None:
    assert named(example.render(ci("sqlite")), "Deployment")["spec"]["replicas"] == 1
    assert "replicas" not in named(example.render(ci("postgresql")), "Deployment")["spec"]


def test_plugins_are_looked_for_where_they_are_mounted(example) -> None:
    container = gateway(example.render(ci("plugins")))
    [folders] = [each["value"] for each in container["env"] if each["name"] == "PAYGUARD_PLUGIN_DIRS"]
    mounted = [mount["mountPath"] for mount in container["volumeMounts"] if "plugins" in mount["mountPath"]]
    assert folders.split(":") == mounted == [f"/etc/payguard/plugins/{name}" for name in ("ours", "shared", "fraud")]


def test_an_image_is_named_by_its_digest_where_it_is_given(example) -> None:
    assert gateway(example.render(ci("sqlite")))["image"] == "payguard:0.1.0"
    digest = "0123456789abcdef" * 3 + "0123456789abcdef"
    assert gateway(example.render(ci("postgresql")))["image"] == f"registry.example.com/payguard:0.1.0@sha256:{digest}"


@pytest.mark.parametrize(
    ("name", "address", "loopback"),
    [("sqlite", "0.0.0.0", "http://127.0.0.1:9901"), ("pieces", "::", "http://[::1]:9902")],
)
def test_nodes_and_clients_reach_the_pod_s_address_and_the_hook_asks_over_loopback(
    example, name, address, loopback
) -> None:
    container = gateway(example.render(ci(name)))
    said = {each["name"]: each.get("value") for each in container["env"]}
    assert said["PAYGUARD_HOST"] == said["PAYGUARD_ADMIN_HOST"] == address
    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["payguard", "drain", "--admin", loopback]
