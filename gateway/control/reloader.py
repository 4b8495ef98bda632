"""The reloader: replaces the policy in force as a whole, or leaves it as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import pluggy
import structlog

from gateway.audit.protocol import UNKEPT, Auditor
from gateway.control.diff import diff
from gateway.dataplane.snapshot import Active, Snapshot
from gateway.parts import Clock

log = structlog.get_logger("payguard.policy")


OPENING = 30.0
"""Seconds that all parts of a policy together may take to open: one that hangs must not stop every later reload."""

MOST_SAID = 8000
"""Characters of a diff, or of reasons, that the audit trail keeps."""


class Outcome(Enum):
    """What became of a reload."""

    ACTIVATED = "activated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A policy that could not be activated: when, and every reason.

    ``transient``: the text itself compiles, and may well be activated later.
    """

    at: float
    reasons: tuple[str, ...]
    transient: bool


@dataclass(slots=True)
class PolicyStatus:
    """What the admin port, health and metrics say of the policy.  Times are seconds since the epoch.

    ``rejection`` is the last one, until the file holds a policy that serves again.  ``unreadable`` says why the file
    cannot be read at present; the policy in force does not mind.
    """

    source: str
    digest: str
    activated_at: float
    rejection: Rejection | None = None
    unreadable: str | None = None
    reloads: dict[str, int] = field(default_factory=lambda: dict.fromkeys((each.value for each in Outcome), 0))

    def away(self, reason: str) -> None:
        if self.unreadable is None:
            log.warning("the policy file cannot be read; the policy in force stays", source=self.source, reason=reason)
        self.unreadable = reason

    def back(self) -> None:
        if self.unreadable is not None:
            log.info("the policy file can be read again", source=self.source)
        self.unreadable = None


class Source(Protocol):
    """Where the text of the policy comes from."""

    @property
    def name(self) -> str: ...

    async def read(self) -> str:
        """OSError where it is away."""


Build = Callable[[str, str], Awaitable[Snapshot]]
"""Compile a text (the second argument names where it comes from), without opening anything."""


class Reloader:
    """Builds aside, opens, and swaps in one assignment; whatever goes wrong before that leaves the policy in force.

    ``then`` is the process's own: awaited when a policy has taken over, before the one in force until then is closed.

    Exchanges end on the policy they began on: the one before is drained and closed in the background, however long
    that takes, and delays no further reload.
    """

    def __init__(
        self,
        active: Active,
        build: Build,
        source: Source,
        *,
        hooks: pluggy.HookRelay,
        clock: Clock,
        digest_of: Callable[[str], str],
        mask: Callable[[str], str] = str,
        then: Callable[[Snapshot], Awaitable[None]] | None = None,
        audit: Auditor = UNKEPT,
    ) -> None:
        self._active = active
        self._build = build
        self._source = source
        self._hooks = hooks
        self._clock = clock
        self._digest_of = digest_of
        self._mask = mask
        self._then = then
        self._audit = audit
        self._turn = asyncio.Lock()
        self._running: asyncio.Task[Outcome] | None = None
        self._waiting: asyncio.Task[Outcome] | None = None
        self._forced = False
        self._retiring: set[asyncio.Task[None]] = set()
        self.status = PolicyStatus(source.name, active.snapshot.digest, clock.now())

    @property
    def retiring(self) -> int:
        """How many policies no longer serve and still have exchanges to end."""
        return len(self._retiring)

    async def reload(self, *, force: bool = False) -> Outcome:
        """Activate what the source now holds.

        One reload runs at a time; whoever asks meanwhile shares the one after it.  An unchanged text is left alone
        unless ``force``: files and secrets that it names may have changed.
        """
        self._forced |= force
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._take_turn(), name="policy reload")
        return await asyncio.shield(self._waiting)

    async def close(self) -> None:
        """End what still runs here: a reload under way, and policies that retire, closed whatever still uses them."""
        for task in (self._running, self._waiting, *self._retiring):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    async def _take_turn(self) -> Outcome:
        async with self._turn:
            self._running, self._waiting = self._waiting, None
            force, self._forced = self._forced, False
            outcome = await self._attempt(force=force)
            self.status.reloads[outcome.value] += 1
            return outcome

    async def _attempt(self, *, force: bool) -> Outcome:
        try:
            text = await self._source.read()
        except OSError as error:
            self.status.away(str(error))
            return Outcome.UNREADABLE
        except ValueError as error:  # not UTF-8
            return self._rejected(error, transient=False)
        self.status.back()
        if not force and self._digest_of(text) == self._active.snapshot.digest:
            self.status.rejection = None  # the edit that was rejected has been taken back
            return Outcome.UNCHANGED
        return await self._replace(text)

    async def _replace(self, text: str) -> Outcome:
        try:
            snapshot = await self._build(text, self._source.name)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises, the policy in force stays
            return self._rejected(error, transient=False)
        try:
            await open_soon(snapshot)
        except Exception as error:  # noqa: BLE001 - as above
            return self._rejected(error, transient=True)
        previous, self._active.snapshot = self._active.snapshot, snapshot
        try:
            await self._activated(snapshot, previous)
        finally:
            self._retire(previous)
        return Outcome.ACTIVATED

    async def begin(self) -> None:
        """The first policy, which was activated without a reload, serves."""
        await self._activated(self._active.snapshot, None)

    async def _activated(self, snapshot: Snapshot, before: Snapshot | None) -> None:
        status, digest = self.status, snapshot.digest
        previous = None if before is None else before.digest
        status.digest, status.activated_at, status.rejection = digest, self._clock.now(), None
        if self._then is not None:
            try:
                await self._then(snapshot)
            except Exception:
                log.exception("the policy serves, but not all of its background work runs", digest=digest)
        log.info("policy activated", digest=digest, previous=previous, source=status.source)
        detail = {"source": status.source} if before is None else change_of(before, snapshot, status.source)
        self._audit.add("policy.activate", subject=digest, policy=digest, detail=detail)
        announce(self._hooks.policy_activated, digest=digest, previous=previous)

    def _rejected(self, error: Exception, *, transient: bool) -> Outcome:
        reasons = tuple(self._mask(reason) for reason in reasons_of(error))
        self.status.rejection = Rejection(self._clock.now(), reasons, transient)
        log.error("policy rejected", source=self.status.source, active=self.status.digest, reasons=reasons)
        detail = {"source": self.status.source, "reasons": "\n".join(reasons)[:MOST_SAID]}
        self._audit.add("policy.reject", subject=self.status.source, outcome="rejected", detail=detail)
        announce(self._hooks.policy_rejected, source=self.status.source, error=error)
        return Outcome.REJECTED

    def _retire(self, snapshot: Snapshot) -> None:
        task = asyncio.create_task(_drain(snapshot), name=f"policy {snapshot.digest} retires")
        self._retiring.add(task)  # each has an exchange in flight, and those are bounded
        task.add_done_callback(self._retiring.discard)


async def open_soon(snapshot: Snapshot, within: float = OPENING) -> None:
    """Open every part, or close those that were opened and raise what the one that failed did."""
    try:
        async with asyncio.timeout(within) as limit:
            await snapshot.open()
    except TimeoutError as error:
        if limit.expired():
            raise TimeoutError(f"the policy's parts did not open within {within:g} s") from error
        raise


async def _drain(snapshot: Snapshot) -> None:
    try:
        await snapshot.drained()
    finally:
        try:
            await snapshot.close()
        except Exception:
            log.exception("a part of a replaced policy failed to close", digest=snapshot.digest)


def change_of(before: Snapshot, now: Snapshot, source: str) -> dict[str, str | int]:
    """What the audit trail keeps of it: all changes where they are not very many, and how many they are."""
    changes = [str(each) for each in diff(dict(before.description), dict(now.description))]
    text = "\n".join(changes)[:MOST_SAID]
    return {"source": source, "previous": before.digest, "changes": len(changes), "diff": text}


def reasons_of(error: Exception) -> list[str]:
    """Every reason that it knows, one line each."""
    problems = getattr(error, "problems", None)
    if problems:
        return [str(problem) for problem in problems]
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return [" ".join(": ".join([*reversed(getattr(error, "__notes__", ())), said]).split())]


def announce(hook: pluggy.HookCaller, **event: object) -> None:
    """Call every implementation of a hook, each by itself, so that one that raises costs the others nothing."""
    for implementation in reversed(hook.get_hookimpls()):
        try:
            implementation.function(*(event[name] for name in implementation.argnames))
        except Exception:
            log.exception("a hook failed", hook=hook.name, plugin=implementation.plugin_name)
