"""Charts as a real Helm renders them, with no cluster."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import helm_python
from helm_python import Chart, _native

HELM = Path(__file__).parents[3] / "deploy" / "helm"
PAYGUARD = HELM / "payguard"
EXAMPLE = HELM / "example"

OLDEST, NEWEST = "1.30", "1.37"
MODES = ("sidecar", "container")

Manifest = dict[str, Any]


def ci(name: str) -> dict[str, Any]:
    """The values of ``ci/NAME-values.yaml``."""
    return helm_python.values_from_yaml((PAYGUARD / "ci" / f"{name}-values.yaml").read_text())


CI = sorted(path.name.removesuffix("-values.yaml") for path in (PAYGUARD / "ci").glob("*-values.yaml"))


def merged(values: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """As Helm merges what ``-f`` and ``--set`` say: null takes a value away."""
    both = {
        name: merged(values[name], value) if isinstance(value, dict) and isinstance(values.get(name), dict) else value
        for name, value in over.items()
    }
    return {name: value for name, value in {**values, **both}.items() if value is not None}


def with_dependency(folder: Path) -> Path:
    """The example as ``helm dependency build`` leaves it; its path."""
    copy = Path(shutil.copytree(EXAMPLE, folder / "example", ignore=shutil.ignore_patterns("charts", "Chart.lock")))
    (copy / "charts").mkdir()
    helm_python.package(PAYGUARD, destination=copy / "charts")
    return copy


def without_own_values(example: Path) -> Path:
    """An example that says nothing of payguard itself: what a test gives is all that there is."""
    values = example / "values.yaml"
    values.write_text(values.read_text().partition("\npayguard:\n")[0])
    return example


class Release:
    """A chart to be installed as ``shop`` in the namespace ``payments``."""

    def __init__(self, path: Path, *, key: str | None = None) -> None:
        self.path = path
        self._chart = Chart.load(path)
        self._key = key
        self._rendered: dict[tuple[str, str], dict[str, str]] = {}

    def render(self, values: dict[str, Any], kubernetes: str = OLDEST) -> list[Manifest]:
        """Every object that it makes of these values, of the chart payguard; HelmError where they are refused."""
        texts = self.texts(values, kubernetes).values()
        return [manifest for text in texts if (manifest := helm_python.values_from_yaml(text))]

    def texts(self, values: dict[str, Any], kubernetes: str = OLDEST) -> dict[str, str]:
        """The same as text, by template; each of this chart's makes one object or none."""
        given = json.dumps(values if self._key is None else {self._key: values})
        options = json.dumps({"name": "shop", "namespace": "payments", "kube_version": f"v{kubernetes}.0"})
        if (given, options) not in self._rendered:
            self._rendered[given, options] = self._render(given, options)
        return self._rendered[given, options]

    def _render(self, given: str, options: str) -> dict[str, str]:
        # Chart.render cannot be told the version
        made: dict[str, str] = json.loads(_native.call_string("helm_render", self._chart._raw(), given, options))
        return made


def named(manifests: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    """The one of this kind, and name."""
    [found] = [each for each in manifests if each["kind"] == kind and name in (None, each["metadata"]["name"])]
    return found


def pod(manifests: list[Manifest]) -> dict[str, Any]:
    """The specification of the Deployment's pods."""
    spec: dict[str, Any] = named(manifests, "Deployment")["spec"]["template"]["spec"]
    return spec


def containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(spec.get("initContainers") or []), *spec["containers"]]


def gateway(manifests: list[Manifest]) -> dict[str, Any]:
    """The gateway's container, wherever it stands."""
    [found] = [each for each in containers(pod(manifests)) if each["name"] == "payguard"]
    return found
