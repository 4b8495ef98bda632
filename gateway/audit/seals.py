"""Seals: what of a chain is committed is signed at intervals, kept beside it, and told to the log."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Protocol

from gateway.audit import statements as sql
from gateway.audit.entries import Kind, Seal
from gateway.database.protocol import Database, Row


class Sealing(Protocol):
    def seal(self, writer: str, seq: int, kind: Kind, hash: str, at: float) -> Seal: ...  # noqa: A002

    @property
    def public(self) -> Collection[str]:
        """Keys of ours, now and before."""

    def pledges(self, at: float) -> Iterable[Seal]:
        """That those of before are ours."""


class Seals:
    """Of one writer's chain: one after each ``count`` entries, and one in ``every`` so many seconds if any is new.

    ``tell`` is told of each once it is committed, so that the log has it too: who cuts the chain and its seals off in
    the database, has still to reach the log.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealing,
        now: Callable[[], float],
        tell: Callable[..., None],
        *,
        every: float,
        count: int,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._now = now
        self._tell = tell
        self._every = every
        self._count = count
        self._timer: asyncio.TimerHandle | None = None
        self._pledged: Collection[str] = ()
        self.begin("")

    def begin(self, writer: str) -> None:
        """A new chain."""
        self._writer = writer
        self._seq, self._hash, self._sealed = 0, "", 0

    def reached(self, seq: int, hash: str) -> None:  # noqa: A002
        """So far the chain is committed."""
        self._seq, self._hash = seq, hash
        if seq - self._sealed >= self._count:
            self._seal("seal")

    def open(self, look: Callable[[], object]) -> None:
        """On the event loop.  ``look`` sees how far the chain is committed."""
        self._pledge()
        self._timer = asyncio.get_running_loop().call_later(self._every, self._tick, look)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def end(self) -> None:
        """The last one, where there is anything to seal.  DatabaseDown where it is not committed."""
        self._pledge()
        if self._seq:
            await self._seal("end")

    def _tick(self, look: Callable[[], object]) -> None:
        self.open(look)
        look()
        if self._seq > self._sealed:
            self._seal("seal")

    def _pledge(self) -> None:
        """Say in the trail which keys are ours, where that is not said yet."""
        if self._sealer.public == self._pledged:
            return
        self._pledged = self._sealer.public
        for pledge in self._sealer.pledges(round(self._now(), 3)):
            self._database.write(sql.VOUCH, *pledge).add_done_callback(self._is_pledged)

    def _is_pledged(self, rows: Future[list[Row]]) -> None:
        if rows.cancelled() or rows.exception() is not None:
            self._pledged = ()  # the next tick says it again

    def _seal(self, kind: Kind) -> Future[list[Row]]:
        seal = self._sealer.seal(self._writer, self._seq, kind, self._hash, round(self._now(), 3))
        before, self._sealed = self._sealed, seal.seq
        rows = self._database.write(sql.SEAL, *seal)
        rows.add_done_callback(partial(self._is_sealed, seal, before))
        return rows

    def _is_sealed(self, seal: Seal, before: int, rows: Future[list[Row]]) -> None:
        if rows.cancelled() or rows.exception() is not None:
            if (self._writer, self._sealed) == (seal.writer, seal.seq):
                self._sealed = before  # the next one says the same, and more
            return
        said = {name: value for name, value in seal._asdict().items() if name != "at"}
        self._tell("audit_sealed", severity="info", **said, sealed_at=seal.at)
