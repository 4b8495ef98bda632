from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from gateway import Component, Config, Scope

from .decision import AdaptiveLimit
from .gate import Gate
from .options import ConcurrencyConfig

if TYPE_CHECKING:
    from .guard import Concurrency


class Load:
    """What survives a reload: the limit, who is in and who waits; ``refused`` counts from the beginning."""

    def __init__(self, config: ConcurrencyConfig) -> None:
        self.limit = AdaptiveLimit(config.least, config.most)
        self.gate = Gate(config.most, config.waiting)
        self.refused = 0
        self.told = -inf
        """When people last heard of an overload."""


class Limits(Component[Config]):
    """Shows every limit at ``/api/v1/concurrency``."""

    name = "concurrency"

    def __init__(self, config: Config, scope: Scope) -> None:
        super().__init__(config, scope)
        self._guards: list[Concurrency] = []

    def add(self, guard: Concurrency) -> None:
        self._guards.append(guard)

    def remove(self, guard: Concurrency) -> None:
        """Also one that was never added."""
        self._guards = [each for each in self._guards if each is not guard]

    def admin_routes(self) -> Sequence[BaseRoute]:
        return [Route("/", self._list, methods=["GET"])]

    async def _list(self, _: Request) -> JSONResponse:
        return JSONResponse({"items": list(self._items()), "next": None}, headers={"cache-control": "no-store"})

    def _items(self) -> Iterator[dict[str, Any]]:
        """Each limit once, though two policies have it while one takes the place of the other."""
        yield from {id(guard.load): _item(guard) for guard in self._guards}.values()


def _item(guard: Concurrency) -> dict[str, Any]:
    gate = guard.load.gate
    return {
        "upstream": guard.scope.place,
        "mode": guard.scope.mode,
        "limit": gate.places,
        "in_flight": gate.inside,
        "waiting": gate.waiting,
        "waiting_by_priority": {str(priority): count for priority, count in gate.queue().items()},
        "slowness": round(guard.load.limit.slowness, 3),
        "refused": guard.load.refused,
    }
