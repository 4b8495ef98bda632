"""What a node does with the gateway's container, on this machine: mounts, variables, probes, preStop, signals."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.deploy.helm.rendering import Manifest, gateway, pod
from tests.process.conftest import Gateway, until


class ConfigMapVolume:
    """A ConfigMap mounted as a folder: files are links into ``..data``, which is itself a link that is swapped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._versions = itertools.count(1)
        folder.mkdir(parents=True)

    def update(self, files: Mapping[str, str]) -> None:
        version = self.folder / f"..2026_11_26_{next(self._versions)}"
        version.mkdir()
        for name, text in files.items():
            (version / name).write_text(text)
        draft = self.folder / "..data_tmp"
        draft.symlink_to(version.name)
        draft.rename(self.folder / "..data")
        for name in files:
            link = self.folder / name
            if not link.is_symlink():
                link.symlink_to(f"..data/{name}")


class Kubelet:
    """Runs the gateway's container of rendered manifests, as it is written there.

    Two things alone are not as in the cluster: each mount's path is a folder of the test's own, and the address is
    loopback's, since a test listens on no other.
    """

    def __init__(self, manifests: list[Manifest], folder: Path, secrets: Mapping[str, str] | None = None) -> None:
        self.container = gateway(manifests)
        self.spec = pod(manifests)
        self.volumes: dict[str, ConfigMapVolume] = {}
        self._secrets = secrets or {}
        self._paths = {
            mount["mountPath"]: folder / mount["name"]
            for mount in self.container["volumeMounts"]
            if mount["mountPath"] != "/tmp"  # every machine has one
        }
        self._mount(manifests, folder)

    def _mount(self, manifests: list[Manifest], folder: Path) -> None:
        there = {each["metadata"]["name"]: each["data"] for each in manifests if each["kind"] == "ConfigMap"}
        for volume in self.spec["volumes"]:
            path = folder / volume["name"]
            if "configMap" in volume:
                made = self.volumes[volume["name"]] = ConfigMapVolume(path)
                made.update(there.get(volume["configMap"]["name"], {}))
            else:
                path.mkdir()
                path.chmod(0o777)  # an emptyDir's

    def _mapped(self, text: str) -> str:
        for path, folder in self._paths.items():
            text = text.replace(path, str(folder))
        return text.replace("0.0.0.0", "127.0.0.1")

    def _environment(self, container: Mapping[str, Any]) -> dict[str, str]:
        """The image's PATH and what is rendered; nothing of this process's."""
        found = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])}
        for variable in container["env"]:
            if "value" in variable:
                found[variable["name"]] = self._mapped(variable["value"])
            else:
                found[variable["name"]] = self._secrets[variable["valueFrom"]["secretKeyRef"]["key"]]
        return found

    async def start(self) -> Gateway:
        return Gateway(await self._exec(self.container, self.container["command"], limit=1 << 20))

    async def run_to_its_end(self, container: Mapping[str, Any]) -> int:
        """Another container, such as a Job's; its exit code."""
        process = await self._exec(container, container["command"])
        await process.communicate()
        assert process.returncode is not None
        return process.returncode

    async def _exec(
        self, container: Mapping[str, Any], command: list[str], **options: Any
    ) -> asyncio.subprocess.Process:
        program, *arguments = (self._mapped(each) for each in command)
        environment = self._environment(container)
        found = shutil.which(program, path=environment["PATH"])
        assert found is not None, f"{program} is not in the image"
        return await asyncio.create_subprocess_exec(
            found, *arguments, stdout=asyncio.subprocess.PIPE, env=environment, **options
        )

    async def pre_stop(self) -> None:
        """Runs the hook to its end, as a node does before it signals."""
        process = await self._exec(self.container, self.container["lifecycle"]["preStop"]["exec"]["command"])
        await process.communicate()
        assert process.returncode == 0

    async def probe(self, name: str) -> int | None:
        """The status of a probe's answer; None where nobody takes the connection."""
        asked = self.container[name]["httpGet"]
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            try:
                return (await client.get(f"http://127.0.0.1:{asked['port']}{asked['path']}")).status_code
            except httpx.ConnectError:
                return None

    async def until_probe(self, name: str, status: int = 200) -> None:
        async def answers() -> bool:
            return await self.probe(name) == status

        await until(answers)

    @property
    def data_url(self) -> str:
        return f"http://127.0.0.1:{self.container['ports'][0]['containerPort']}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.container['ports'][1]['containerPort']}"

    @property
    def backend_sleeps(self) -> int:
        """Seconds that the backend's preStop sleeps."""
        [backend] = [each for each in self.spec["containers"] if each["name"] == "backend"]
        seconds: int = backend["lifecycle"]["preStop"]["sleep"]["seconds"]
        return seconds

    @property
    def grace(self) -> int:
        """Seconds from when the pod is told to go until it is killed."""
        seconds: int = self.spec["terminationGracePeriodSeconds"]
        return seconds

    def folder_of(self, path: str) -> Path:
        """Where on this machine the container's path is."""
        return self._paths[path]
