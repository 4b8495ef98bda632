"""Reencryption: what is stored is sealed anew by the key that seals now, in small steps, while payments pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from secrets import token_hex
from typing import Any

import structlog

from gateway.crypto.protocol import Keyring, Unreadable
from gateway.crypto.references import begin, steps
from gateway.crypto.stored import Stored
from gateway.database.protocol import Database, DatabaseDown
from gateway.errors import CannotSeal

log = structlog.get_logger("payguard.keys")

STEP = 100
"""Rows that are looked at in one step: at most so many bodies are in memory."""

LEASE = 5.0
"""Seconds after which another gateway goes on with what this one began; each step renews it."""

LOOKS_EVERY = 2.0

_COLUMNS = "asked_by, asked_at, place, position, moved, moved_before, unreadable, done_at"
_ASK = """
INSERT INTO reencryptions (id, asked_by, asked_at, place, position, moved, moved_before, unreadable)
VALUES ($1, $2, {now}, 0, '', 0, 0, 0)
ON CONFLICT (id) DO UPDATE SET asked_by = excluded.asked_by, asked_at = excluded.asked_at, holder = NULL, place = 0,
  position = '', moved = 0, moved_before = 0, unreadable = 0, done_at = NULL
WHERE reencryptions.done_at IS NOT NULL RETURNING $1
"""
_SHOW = f"SELECT {_COLUMNS} FROM reencryptions WHERE id = $1"  # noqa: S608 - words of this module
_TAKE = f"""
UPDATE reencryptions SET holder = CAST($2 AS TEXT), lease_until = {{now}} + $3
WHERE id = $1 AND done_at IS NULL AND (holder IS NULL OR holder = CAST($2 AS TEXT) OR lease_until <= {{now}})
RETURNING $1, {_COLUMNS}
"""  # noqa: S608 - as above
_SAVE = """
UPDATE reencryptions SET lease_until = {now} + $3, place = $4, position = $5, moved = $6, moved_before = $7,
  unreadable = $8, done_at = CASE WHEN CAST($9 AS BIGINT) = 1 THEN {now} END
WHERE id = $1 AND holder = $2 AND done_at IS NULL RETURNING $1
"""
_ONE = "stored"


@dataclass(slots=True)
class Walk:
    """How far it is: ``place`` is the number of a column, ``position`` the last id there that was looked at.

    ``moved`` values have been sealed anew, ``moved_before`` of them before this pass began; ``unreadable`` ones of this
    pass did not open, and were left as they are.  Times are seconds since the epoch.
    """

    asked_by: str
    asked_at: float
    place: int
    position: str
    moved: int
    moved_before: int
    unreadable: int
    done_at: float | None


class LostLease(Exception):
    """Another gateway goes on."""


class Reencryption:
    """One walk at a time for all gateways of a database, by one of them; after a crash it goes on where it was.

    A value is replaced only where it is still what was read.  It ends when a whole pass has found nothing to do:
    what another gateway sealed meanwhile with an older key is not left behind.  ``tenant`` is the policy's.
    """

    def __init__(
        self,
        database: Database,
        stored: Sequence[Stored],
        keyring: Keyring | None,
        *,
        tenant: Callable[[], str],
        done: Callable[[Walk], None] = lambda _: None,
        lease: float = LEASE,
    ) -> None:
        self._database = database
        self._stored = stored
        self._keyring = keyring
        self._tenant = tenant
        self._done = done
        self._lease = lease
        self._holder = token_hex(8)
        self._wanted = asyncio.Event()

    async def ask(self, by: str) -> bool:
        """Whether one begins now; False where one is under way already.  DatabaseDown where nobody can tell."""
        began = bool(await self._database.write(_ASK, _ONE, by))
        self._wanted.set()
        return began

    async def last(self) -> Walk | None:
        """The one that is under way, or was the last."""
        rows = await self._database.read(_SHOW, _ONE)
        return Walk(*rows[0]) if rows else None

    async def run(self, every: float = LOOKS_EVERY) -> None:
        """Do what somebody asks for, or has asked another gateway for that is gone."""
        while self._keyring is not None:
            try:
                await self._if_asked(self._keyring)
            except (DatabaseDown, CannotSeal, LostLease, ValueError) as error:
                log.warning("re-encryption pauses", reason=str(error))
            self._wanted.clear()
            try:
                async with asyncio.timeout(every):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    async def _if_asked(self, keyring: Keyring) -> None:
        last = await self.last()
        if last is None or last.done_at is not None:
            return
        rows = await self._database.write(_TAKE, _ONE, self._holder, self._lease)
        if not rows:
            return
        walk = Walk(*rows[0][1:])
        log.info("re-encrypting", **asdict(walk))
        while await self._pass(walk, keyring):
            walk.place, walk.position, walk.moved_before, walk.unreadable = 0, "", walk.moved, 0
        await self._save(walk, done=True)
        log.info("re-encrypted", moved=walk.moved, unreadable=walk.unreadable)
        self._done(walk)

    async def _pass(self, walk: Walk, keyring: Keyring) -> bool:
        """Whether it has found anything to do."""
        while walk.place < len(self._stored):
            stored = self._stored[walk.place]
            async for after, last in steps(self._database, stored, STEP, walk.position):
                began = time.monotonic()
                await self._step(walk, keyring, stored, after, last)
                walk.position = last
                await self._save(walk)
                await asyncio.sleep(time.monotonic() - began)  # half of the time is everybody else's
            walk.place, walk.position = walk.place + 1, ""
        return walk.moved > walk.moved_before

    async def _step(self, walk: Walk, keyring: Keyring, stored: Stored, after: str, last: str) -> None:
        key = next(iter(keyring.check_values()), "")
        columns = tuple(dict.fromkeys((stored.id, stored.column, *stored.columns)))
        rows = await self._database.read(
            f"SELECT {', '.join(columns)} FROM {stored.table} WHERE {stored.id} > $1 AND {stored.id} <= $2 "  # noqa: S608
            f"AND {stored.column} IS NOT NULL AND NOT {begin(stored, key, '$3')} ORDER BY {stored.id}",
            after,
            last,
            stored.begins(key),
        )
        replaced = []
        for row in rows:
            change = self._change(walk, keyring, key, stored, dict(zip(columns, row, strict=True)))
            if change is not None:
                replaced.append(self._database.write(*change))
            await asyncio.sleep(0)  # a body of 64 KiB takes 0.1 ms
        walk.moved += sum(map(bool, await asyncio.gather(*replaced)))

    def _change(
        self, walk: Walk, keyring: Keyring, key: str, stored: Stored, row: dict[str, Any]
    ) -> tuple[Any, ...] | None:
        """The statement that puts a newer seal in the place of this one; None where there is nothing to do."""
        try:
            if stored.key_of(keyring, row[stored.column]) == key:
                return None  # a plugin's sealed bytes begin otherwise
            again = stored.anew(keyring, self._tenant(), row)
        except Unreadable as error:
            walk.unreadable += 1
            log.warning("a stored value does not open", value=stored.name, id=row[stored.id], reason=str(error))
            return None
        key_id = "" if stored.key_column is None else f", {stored.key_column} = $4"
        statement = (
            f"UPDATE {stored.table} SET {stored.column} = $3{key_id} "  # noqa: S608 - words of the code
            f"WHERE {stored.id} = $1 AND {stored.column} = $2 RETURNING $1"
        )
        ids = () if stored.key_column is None else (key,)
        return statement, row[stored.id], row[stored.column], again, *ids

    async def _save(self, walk: Walk, *, done: bool = False) -> None:
        given = (walk.place, walk.position, walk.moved, walk.moved_before, walk.unreadable, int(done))
        if not await self._database.write(_SAVE, _ONE, self._holder, self._lease, *given):
            raise LostLease("another gateway has taken it over")
