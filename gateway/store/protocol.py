"""What a store does, whatever keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from gateway.errors import DependencyDown


class StoreDown(DependencyDown):
    """An operation was not carried out, or nobody knows whether it was."""

    code = "store_unavailable"


class Table(Protocol):
    """What a procedure sees of a store in memory while nobody else does anything to it.

    Values are of any type, each procedure's own.  ``now`` is the store's clock, in seconds that nobody sets.
    """

    now: float

    def get(self, key: str) -> Any:
        """The value, which may be changed in place; None where there is none, or it has expired."""

    def put(self, key: str, value: Any, ttl: float, *, hold: bool = False) -> None:
        """Keep it for ``ttl`` seconds.  One that is held is forgotten early only for others that are."""

    def extend(self, key: str, ttl: float) -> None:
        """Keep what is there for ``ttl`` seconds from now."""

    def left(self, key: str) -> float:
        """For how many seconds it is still kept; 0 where it is not there."""

    def remove(self, key: str) -> None: ...


Decide: TypeAlias = Callable[[Table, Sequence[str], Any], Any]


@dataclass(frozen=True, slots=True)
class Procedure:
    """One decision over several keys, taken in one step that nothing comes between.

    It is written twice, with one meaning: ``python`` for a store in memory; ``lua`` for Redis, as the body of a
    function that sees ``keys``, ``arguments``, ``now`` (Redis's own clock, in seconds) and ``redis``.  Arguments and
    what it returns are what JSON can say; a list that it returns is not empty.
    """

    name: str
    python: Decide
    lua: str


class Store(Protocol):
    """Keys to bytes and to counters, each with a time to live.  Every operation is atomic.

    ``ttl`` is in seconds.  What a store is too full to keep it may forget early, never late.  An operation that the
    store cannot carry out raises StoreDown, soon: whoever has to decide within 20 ms still can.  A key belongs to the
    kind of operation that wrote it; what another kind finds there means nothing.
    """

    together: bool
    """Whether a procedure may touch any keys at once.  Else they must all have the same ``{…}`` in them."""

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, value: bytes, ttl: float, *, hold: bool = False) -> None:
        """A store in memory that is full forgets what is held only for others that are."""

    async def add(self, key: str, value: bytes, ttl: float, *, hold: bool = False) -> bool:
        """Put it if the key holds nothing; whether it was put."""

    async def remove(self, key: str) -> bool:
        """Whether there was something to remove."""

    async def count(self, key: str, by: int, ttl: float) -> int:
        """Add to a counter and return its new value.  ``ttl`` counts from the counter's first addition."""

    async def run(self, procedure: Procedure, keys: Sequence[str], arguments: Any) -> Any:
        """What the procedure returns."""

    async def scan(self, prefix: str, most: int = 10_000) -> list[tuple[str, bytes, float]]:
        """Keys that begin so, with the bytes that were put there and the seconds that they still have.

        Slow: for people.  Of more than ``most``, some.
        """

    async def open(self) -> None:
        """Begin.  One that cannot be reached is no failure: it is tried again in the background."""

    async def close(self) -> None: ...

    @property
    def trouble(self) -> str | None:
        """Why operations fail now; None where they do not."""

    def stats(self) -> Mapping[str, float]:
        """Numbers for the metrics.

        ``entries``, ``calls_total``, ``pipelines_total``, ``errors_total``, ``seconds_total``, ``connects_total``.
        """
