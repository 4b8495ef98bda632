"""Building: parts made from what a policy says of them, each with its scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gateway.control.background import PolicyTasks
from gateway.control.core_parts import part_scope
from gateway.control.hosting import AlreadyTold, Host
from gateway.control.placing import Placed
from gateway.control.plugin_sources import told
from gateway.control.positions import Document
from gateway.control.problems import Problem
from gateway.control.scope import Services
from gateway.dataplane.resending import Resending
from gateway.parts import BadOption, Component, Part


class Building:
    """Makes the parts of one policy, in the order in which they are asked for, and keeps what went wrong.

    ``components`` are those that the policy names, ``known`` all that it could name.
    """

    def __init__(
        self,
        services: Services,
        document: Document,
        components: Sequence[Placed],
        known: Sequence[type[Component[Any]]],
        tenant: str,
    ) -> None:
        self.lease = services.shared.lease()
        self.tasks = PolicyTasks(services.background)
        self.host = Host(services, self.lease, components, known, tenant)
        self.problems: list[Problem] = []
        self.resending: Resending | None = None
        """What sends a stored request again; None before the policy is whole, and in a process without a ledger."""
        self._made: list[Part[Any]] = []
        self._services = services
        self._tenant = tenant
        self._document = document

    @property
    def parts(self) -> tuple[Part[Any], ...]:
        """In the order in which they are opened: components first, since parts may use them while they open."""
        return (*self.host.openers, *self._made)

    def make(self, placed: Placed, place: str = "", operation: str | None = None) -> Part[Any] | None:
        """The part, at the route or upstream called ``place``; ``operation`` is what that route's payments are.

        None where it is off or there is a problem with it, which is then on the list.
        """
        config, mode = placed.config, placed.mode
        if mode == "off" or config is None:
            return None
        scope = part_scope(
            self._services,
            self.lease,
            placed.kind,
            tenant=self._tenant,
            place=place,
            operation=operation,
            mode=mode,
            tasks=self.tasks,
            component=self.host.find,
            resending=lambda: self.resending,
        )
        part = self._try(placed, lambda: placed.kind(config, scope))
        if part is not None:
            self._made.append(part)
        return part

    def make_component(self, placed: Placed) -> Part[Any] | None:
        return self._try(placed, lambda: self.host.find(placed.kind))

    def _try(self, placed: Placed, make: Callable[[], Part[Any]]) -> Part[Any] | None:
        try:
            return make()
        except AlreadyTold:
            return None
        except BadOption as error:
            self.problems.append(self._document.problem((*placed.path, *error.way), str(error)))
            return None
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is a problem of the policy
            message = str(error) if isinstance(error, ValueError) and str(error) else told(error)
            self.problems.append(self._document.problem(placed.path, message, at_key=True))
            return None
