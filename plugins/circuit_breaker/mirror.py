"""The mirror: gateways that have one store tell each other of a circuit that opened, or closed again.

pybreaker's own storage in Redis waits for each answer on the event loop; here a job reads and writes now and then.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from gateway import Store

from .circuit import CLOSED, OPEN

if TYPE_CHECKING:
    from .circuit import Circuit


class Mirror:
    """Of one circuit.  What it came to by itself is told to the others, and what others tell is taken on, once."""

    def __init__(self, place: str, operation: str, lasts: float) -> None:
        self._key = f"circuit:{place}:{operation}"
        self._lasts = lasts
        self._seen: bytes | None = None

    async def look(self, circuit: Circuit, store: Store) -> None:
        """DependencyDown where the store is away: each gateway then knows what it knows."""
        if (news := circuit.news) is not None:
            said = f"{news} {secrets.token_hex(8)}".encode()
            await store.put(self._key, said, self._lasts)
            circuit.news, self._seen = None, said
            return
        heard = await store.get(self._key)
        if heard is None or heard == self._seen:
            return
        self._seen = heard
        told = heard.decode().partition(" ")[0]
        if told == OPEN and circuit.state == CLOSED:
            circuit.open_as_told()
        elif told == CLOSED and circuit.state != CLOSED:
            circuit.close_as_told()
