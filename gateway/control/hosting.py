"""Hosting: components, one of a class in the process, for as long as some policy has it with these options."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.control.background import ComponentTasks
from gateway.control.core_parts import part_scope
from gateway.control.placing import Placed, configure
from gateway.control.scope import Services
from gateway.control.sharing import Lease
from gateway.parts import Component, Config, Part


class AlreadyTold(Exception):
    """A part needs a component whose own problem is on the list."""


class Hosted:
    """A component, with a lease of its own, as it may outlive the policy that first named it.

    ``needs`` are the components that it asked for while it was made.
    """

    def __init__(self, component: Component[Any], lease: Lease, tasks: ComponentTasks) -> None:
        self.component = component
        self.needs: set[type[Part[Any]]] = set()
        self._lease = lease
        self._tasks = tasks
        self._opened = False
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Open it, unless a policy before this one did."""
        async with self._turn:
            if not self._opened:
                self._opened = True
                await self.component.open()

    async def close(self) -> None:
        """With the last policy that has it."""
        try:
            if self._opened:
                await self.component.close()
        finally:
            await self._tasks.close()
            await self._lease.release()


class Opener(Part[Config]):
    """Stands among a policy's parts in the place of a component; what closes that is its last lease."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self.name = hosted.component.name  # type: ignore[misc]  # of the one in whose place it stands

    async def open(self) -> None:
        await self._hosted.open()


class Host:
    """The components of one policy.

    ``placed`` are those that it names, ``known`` all that it could name.  A component survives a reload that changes
    nothing under ``components``: what one knows of another is then still true.
    """

    def __init__(
        self,
        services: Services,
        lease: Lease,
        placed: Sequence[Placed],
        known: Sequence[type[Component[Any]]],
        tenant: str,
    ) -> None:
        self.openers: list[Opener] = []
        self.components: list[Component[Any]] = []
        self._services = services
        self._lease = lease
        self._tenant = tenant
        self._placed: Mapping[type[Part[Any]], Placed] = {each.kind: each for each in placed}
        self._known = frozenset(known)
        self._world = _identity(placed), tenant
        self._found: dict[type[Part[Any]], Hosted | None] = {}
        self._making: set[type[Part[Any]]] = set()
        self._sealed = False

    def seal(self) -> None:
        """The policy is whole: from now on components are found and no longer made."""
        self._sealed = True

    def find(self, kind: type[Part[Any]]) -> Part[Any]:
        """The component of this class.  ValueError where there can be none."""
        if kind in self._making:
            raise ValueError(f"the component {kind.name} needs itself, by way of what it needs")
        if kind in self._found:
            if (hosted := self._found[kind]) is None:
                raise AlreadyTold
            return hosted.component
        if kind not in self._known:
            raise ValueError(f"needs the component {kind.name}, which no loaded plugin has")
        if self._sealed:
            raise ValueError(f"the component {kind.name} was not asked for where the part was made")
        return self._host(kind).component

    def _host(self, kind: type[Part[Any]]) -> Hosted:
        self._found[kind] = None  # so it stays where it cannot be made
        config = self._config_of(kind)
        hosted = self._lease.hold(("component", kind, config.identity(), self._world), lambda: self._make(kind, config))
        self._found[kind] = hosted
        for need in hosted.needs:  # also where it was made for a policy before this one
            self.find(need)
        self.openers.append(Opener(hosted))
        self.components.append(hosted.component)
        return hosted

    def _make(self, kind: type[Part[Any]], config: Config) -> Hosted:
        needs: set[type[Part[Any]]] = set()

        def find(needed: type[Part[Any]]) -> Part[Any]:
            needs.add(needed)
            return self.find(needed)

        lease, tasks = self._services.shared.lease(), ComponentTasks(self._services.background)
        scope = part_scope(
            self._services, lease, kind, tenant=self._tenant, mode="enforce", tasks=tasks, component=find
        )
        self._making.add(kind)
        try:
            component = kind(config, scope)
        except BaseException:
            lease.abandon()
            raise
        finally:
            self._making.remove(kind)
        assert isinstance(component, Component)
        hosted = Hosted(component, lease, tasks)
        hosted.needs = needs
        return hosted

    def _config_of(self, kind: type[Part[Any]]) -> Config:
        if kind in self._placed:
            if (config := self._placed[kind].config) is None:
                raise AlreadyTold
            return config
        config, invalid = configure(kind, {})
        if config is None:
            assert invalid is not None
            missing = ", ".join(str(error["loc"][0]) for error in invalid.errors())
            raise ValueError(f"needs {kind.name} under components, with {missing}")
        return config


def _identity(placed: Sequence[Placed]) -> str:
    parts = sorted(f"{each.name}={each.config.identity()}" for each in placed if each.config is not None)
    return hashlib.sha256(";".join(parts).encode()).hexdigest()
