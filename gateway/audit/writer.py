"""The writer of this process's chain: entries are chained as they come, and ride in the commits of what they record."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import orjson
import structlog

from gateway.audit import statements as sql
from gateway.audit.entries import ADDRESS, digest, genesis, linked, written
from gateway.audit.links import Link, retrieve
from gateway.audit.protocol import Detail
from gateway.audit.pruning import prune
from gateway.audit.seals import Sealing, Seals
from gateway.database.protocol import Database, DatabaseDown
from gateway.ids import payment_id

log = structlog.get_logger("payguard.audit")

MOST = 10_000
"""Entries that may wait while the database is away."""

BATCH = 256
"""Of those that waited, how many are written at once."""

NO_PAUSE, FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.1, 1.0
CLOSES_WITHIN = 5.0
MOST_ADDRESSES = 1000


class Masks(Protocol):
    """``gateway.telemetry.masking.Masking`` is one."""

    def line(self, line: bytes) -> bytes: ...

    def document(self, value: Any) -> Any: ...


class AuditWriter:
    """An Auditor on ``database``: one chain, from ``open`` to ``close``, with an id of its own.

    Entries that the database did not take wait in their order, ``most`` of them; what comes then is lost, counted,
    and told of in an entry once there is room again.  What waits is lost with the process.

    A seal is made of what is committed, ``every`` so many seconds and whenever that is ``count`` entries more; ``tell``
    is told of each once it is committed, so that it stands in the log too.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealing,
        *,
        masks: Masks,
        hash: Callable[[str, str], str],  # noqa: A002
        now: Callable[[], float],
        policy: Callable[[], str] = lambda: "",
        tell: Callable[..., None] = lambda *_, **__: None,
        every: float = 10.0,
        count: int = 1000,
        most: int = MOST,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._seals = Seals(database, sealer, now, tell, every=every, count=count)
        self._masks = masks
        self._hash_of = hash
        self._now = now
        self._policy = policy
        self._tell = tell
        self._most = most
        self._addresses: dict[str, str] = {}
        self._waiting: deque[Link] = deque()
        self._repairing: asyncio.Task[None] | None = None
        self._pause = FIRST_PAUSE
        self.entries = self.lost = 0
        self._untold = 0
        self._begin()

    def _begin(self) -> None:
        """A chain of its own."""
        self.writer = payment_id()
        self._seq, self._hash = 0, genesis(self.writer)
        self._committed = Link(0, self._hash, b"")
        self._seals.begin(self.writer)

    @property
    def waiting(self) -> int:
        """How many entries are not known to be committed."""
        self._sweep()
        return len(self._waiting)

    def stats(self) -> Mapping[str, float]:
        return {"entries_total": self.entries, "lost_total": self.lost, "waiting": self.waiting}

    # what everybody calls

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
        return self.record(
            action,
            subject=self._masks.document(subject),
            outcome=self._masks.document(outcome),
            principal=self._masks.document(principal),
            ip=ip,
            policy=self._policy() if policy is None else policy,
            detail=self._masks.document(detail or {}),
        )

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
        self._sweep()
        if len(self._waiting) >= self._most:
            self.lost += 1
            self._untold += 1
            return Link(0, "", b"")
        said = written(
            {"action": action, "subject": subject, "outcome": outcome, "principal": principal, "detail": detail}
        )
        address = None if ip is None else self._addresses.get(ip) or self._address(ip)
        link = self._chain(self._now(), address, policy, self._masks.line(said))
        if self._repairing is None:
            self._write(link)
        self.entries += 1
        return link

    def _chain(self, at: float, ip: str | None, policy: str, said: bytes) -> Link:
        self._seq += 1
        line = linked(self._seq, self._hash, said, at=at, ip=ip, policy=policy)
        self._hash = digest(line)
        link = Link(self._seq, self._hash, line)
        self._waiting.append(link)
        return link

    def _write(self, link: Link) -> None:
        link.rows = self._database.write(sql.APPEND, link.hash, self.writer, link.seq, link.line.decode())

    def _address(self, ip: str) -> str:
        """Clients come again: most are hashed once."""
        if len(self._addresses) >= MOST_ADDRESSES:
            self._addresses.clear()
        salt, _, digits = self._hash_of("audit ip", ip).rpartition(":")
        self._addresses[ip] = hashed = f"{salt}:{digits[:ADDRESS]}"
        return hashed

    # what became of what was written

    def _sweep(self) -> None:
        """Forget what is committed, and see whether something was not."""
        waiting = self._waiting
        while waiting and (rows := waiting[0].rows) is not None and rows.done():
            if rows.cancelled() or rows.exception() is not None or not rows.result():
                if self._repairing is None:
                    self._repairing = asyncio.get_running_loop().create_task(self._repair(), name="audit repair")
                return
            self._committed, self._pause = waiting.popleft(), FIRST_PAUSE
            self._seals.reached(self._committed.seq, self._committed.hash)
        if self._untold and not waiting:
            self._tell_of_lost()

    async def _repair(self) -> None:
        """Write again what was not committed, in its order, from where the chain ends in the database."""
        if self._pause == FIRST_PAUSE:
            log.warning("entries of the audit trail wait for the database", waiting=len(self._waiting))
        while True:
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            try:
                await self._find_end()
            except DatabaseDown:
                continue
            batch = [self._waiting[number] for number in range(min(BATCH, len(self._waiting)))]
            for link in batch:
                self._write(link)
            if len(batch) == len(self._waiting):  # what comes now is written behind them
                break
            await asyncio.wait([link.rows for link in batch if link.rows is not None])
            if all(link.is_committed for link in batch):
                self._pause = NO_PAUSE
        self._repairing = None

    def _tell_of_lost(self) -> None:
        lost, self._untold = self._untold, 0
        self._tell("audit_entries_lost", severity="critical", entries=lost)
        self.add("audit.lost", subject=self.writer, outcome="lost", detail={"entries": lost})

    async def _find_end(self) -> None:
        """Forget what the database has; where it has what is not ours, begin a chain anew."""
        rows = await self._database.read(sql.HEAD, self.writer)
        end, found = rows[0] if rows else (0, genesis(self.writer))
        retrieve(self._waiting)
        known = {link.seq: link for link in (self._committed, *self._waiting)}
        if end not in known or known[end].hash != found:
            self._begin_anew(end)
            return
        while self._waiting and self._waiting[0].seq <= end:
            self._committed = self._waiting.popleft()
            self._seals.reached(self._committed.seq, self._committed.hash)

    def _begin_anew(self, end: int) -> None:
        """Somebody wrote into this chain or cut it: it stays as it is, for `verify` to name it."""
        self._tell("audit_chain_changed", severity="critical", writer=self.writer, seq=end)
        left, former, self._waiting = self._waiting, self.writer, deque()
        self._begin()
        said: dict[str, Any] = {
            "action": "audit.chain_changed",
            "subject": former,
            "outcome": "found",
            "principal": None,
            "detail": {},
        }
        self._chain(self._now(), None, self._policy(), orjson.dumps(said))
        for link in left:
            former_entry = orjson.loads(link.line)
            at, ip, policy = (former_entry.pop(name) for name in ("at", "ip", "policy"))
            del former_entry["seq"], former_entry["prev"]
            self._chain(at, ip, policy, orjson.dumps(former_entry))

    # its life

    def open(self) -> None:
        self._seals.open(self._sweep)

    async def prune(self, keep: float) -> None:
        await prune(self._database, self._sealer, keep, now=self._now, add=self.add)

    async def close(self) -> None:
        """Commit and seal what there is, as far as the database takes it in time."""
        self._seals.close()
        try:
            async with asyncio.timeout(CLOSES_WITHIN):
                while self.waiting:
                    await self._until_told()
                await self._seals.end()
        except (TimeoutError, DatabaseDown, ValueError):
            log.exception("the database did not take the end of the audit trail", entries=len(self._waiting))
        if self._repairing is not None:
            self._repairing.cancel()
        retrieve(self._waiting)

    async def _until_told(self) -> None:
        rows = self._waiting[-1].rows
        if self._repairing is not None:
            await asyncio.wait([self._repairing])
        elif rows is not None:
            await asyncio.wait([rows])
