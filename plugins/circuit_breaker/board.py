from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from gateway import Component, Config, DependencyDown, Job, Scope

if TYPE_CHECKING:
    from .circuit import Circuit
    from .guard import CircuitBreaker
    from .mirror import Mirror


class Circuits:
    """What survives a reload: the circuits by operation, one for the whole upstream under the empty name.

    ``event`` tells of their changes: that of the guard which was opened last.
    """

    def __init__(self) -> None:
        self.by_operation: dict[str, Circuit] = {}
        self.event: Callable[..., None] | None = None
        self.mirrors: dict[str, Mirror] = {}


class CircuitBreakers(Component[Config]):
    """Shows every circuit at ``/api/v1/circuit_breaker``; what they are, their guards decide alone."""

    name = "circuit_breaker"

    def __init__(self, config: Config, scope: Scope) -> None:
        super().__init__(config, scope)
        self._guards: list[CircuitBreaker] = []

    def add(self, guard: CircuitBreaker) -> None:
        self._guards.append(guard)

    def remove(self, guard: CircuitBreaker) -> None:
        """Also one that was never added."""
        self._guards = [each for each in self._guards if each is not guard]

    def jobs(self) -> Sequence[Job]:
        return [Job("mirror", self.mirror, 1.0)] if any(guard.config.share for guard in self._guards) else ()

    async def mirror(self) -> None:
        """Each circuit that is shared, in one turn.  While the store is away each gateway goes by what it sees."""
        looks = [look for guard in self._guards if guard.config.share for look in guard.looks()]
        for failed in await asyncio.gather(*looks, return_exceptions=True):
            if isinstance(failed, Exception) and not isinstance(failed, DependencyDown):
                raise failed

    def admin_routes(self) -> Sequence[BaseRoute]:
        return [Route("/", self._list, methods=["GET"])]

    async def _list(self, _: Request) -> JSONResponse:
        return JSONResponse({"items": list(self._items()), "next": None}, headers={"cache-control": "no-store"})

    def _items(self) -> Iterator[dict[str, Any]]:
        """Each circuit once, though two policies have it while one takes the place of the other."""
        found = {
            id(circuit): _item(guard, operation, circuit)
            for guard in self._guards
            for operation, circuit in guard.circuits.by_operation.items()
        }
        yield from found.values()


def _item(guard: CircuitBreaker, operation: str, circuit: Circuit) -> dict[str, Any]:
    now, window = guard.scope.clock.monotonic(), circuit.window
    window.forget(now)
    state = circuit.state
    return {
        "upstream": guard.scope.place,
        "operation": operation or None,
        "mode": guard.scope.mode,
        "state": state.replace("-", "_"),
        "seconds": round(now - circuit.changed, 3),
        "refuses_for": round(circuit.left, 3) if state == "open" else 0,
        "opened": circuit.opened,
        "reason": circuit.reason,
        "calls": window.calls,
        "failed": window.failed,
        "slow": window.slow,
    }
