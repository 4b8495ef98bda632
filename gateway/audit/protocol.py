"""What an audit trail does, whoever keeps it."""

from __future__ import annotations

from collections.abc import Awaitable, Generator, Mapping
from typing import Any, Protocol

Detail = Mapping[str, str | int]


class Auditor(Protocol):
    """Takes entries.  Each is on its way when the method returns, in the same commit as what was written beside it.

    ``ip`` is given in clear and kept as a keyed hash.  ``policy`` is the digest of the policy by which it was done; by
    default of the one in force.  The awaitable resolves once the entry is committed; it raises DatabaseDown where it is
    not, or nobody knows: such an entry may be written later, and is lost with the process.  Nobody has to await it.
    """

    def add(
        self,
        action: str,
        /,
        *,
        subject: str,
        outcome: str = "done",
        principal: str | None = None,
        ip: str | None = None,
        policy: str | None = None,
        detail: Detail | None = None,
    ) -> Awaitable[None]:
        """``action`` is a dotted word of the code; everything else is masked."""

    def record(
        self,
        action: str,
        /,
        *,
        subject: str,
        outcome: str,
        principal: str | None,
        ip: str | None,
        policy: str,
        detail: Detail,
    ) -> Awaitable[None]:
        """The same for whoever does it for each payment.

        The names in ``detail`` are words of the code, and its values no text that holds named fields itself.
        """

    def open(self) -> None:
        """On the event loop, once the database is open or is being tried."""

    def stats(self) -> Mapping[str, float]:
        """``entries_total`` that were taken, ``lost_total`` that could not be, ``waiting`` for their commit."""

    async def prune(self, keep: float) -> None:
        """Remove what is older than ``keep`` seconds, up to a seal."""

    async def close(self) -> None:
        """Commit what there is, and say that nothing follows."""


class Unkept:
    """The auditor of a process that keeps no trail, such as a check of a policy."""

    def add(self, action: str, /, **entry: Any) -> Awaitable[None]:  # noqa: ARG002
        return NOTHING

    def record(self, action: str, /, **entry: Any) -> Awaitable[None]:  # noqa: ARG002
        return NOTHING

    def open(self) -> None:
        """There is nothing to open."""

    def stats(self) -> Mapping[str, float]:
        return dict.fromkeys(("entries_total", "lost_total", "waiting"), 0)

    async def prune(self, keep: float) -> None:
        """There is nothing that could be old."""

    async def close(self) -> None:
        """There is nothing to close."""


class _Nothing:
    def __await__(self) -> Generator[Any, None, None]:
        return
        yield  # a generator that has ended


NOTHING = _Nothing()
"""An awaitable that has nothing to wait for."""

UNKEPT = Unkept()
