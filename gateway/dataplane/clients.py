"""Clients: how long and how much the data port waits for each, and the sweep that enforces it."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from gateway.dataplane.joined import Joined


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Times in seconds, sizes in bytes.

    ``body_rate`` is the least average of a body's bytes per second once ``body_timeout`` is over, while the gateway
    reads; 240 is what Kestrel asks (MinRequestBodyDataRate).  ``linger`` is how long an answered client that still
    sends is read and ignored, so that it reads its answer before the connection closes.
    """

    header_timeout: float = 10.0
    body_timeout: float = 15.0
    body_rate: int = 240
    write_timeout: float = 30.0
    keep_alive: float = 75.0
    linger: float = 1.0
    target_bytes: int = 8 << 10
    header_bytes: int = 32 << 10
    header_count: int = 100
    connections: int = 10_000


class Swept(Protocol):
    def sweep(self, now: float) -> None:
        """End the connection, or the request on it, that has waited too long."""


class Clients:
    """Every connection of a listener.  One timer sweeps them all, so that a request pays for none."""

    def __init__(self, limits: ClientLimits) -> None:
        self.limits = limits
        self.connections: set[Swept] = set()
        self.refused = 0
        self.refusals: Counter[str] = Counter()
        """Requests refused before they became an exchange, by the problem's code."""
        self.joined = Joined()
        self.leaving = False
        """Set while the gateway drains: each answer asks its client to come back on another connection."""
        self._timer: asyncio.TimerHandle | None = None
        shortest = min(limits.header_timeout, limits.body_timeout, limits.write_timeout, limits.keep_alive)
        self.interval = max(0.02, min(1.0, shortest / 4, limits.linger / 2))

    def enter(self, connection: Swept) -> bool:
        """False where there are too many already."""
        if len(self.connections) >= self.limits.connections:
            self.refused += 1
            return False
        self.connections.add(connection)
        if self._timer is None:
            self._arm()
        return True

    def leave(self, connection: Swept) -> None:
        self.connections.discard(connection)

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.interval, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        now = monotonic()
        for connection in tuple(self.connections):
            connection.sweep(now)
        if self.connections:
            self._arm()
