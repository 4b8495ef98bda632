"""Pruning: what is old is removed from a chain's beginning, and a seal stays that says how far it went."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import structlog

from gateway.audit import statements as sql
from gateway.audit.entries import Seal
from gateway.audit.seals import Sealing
from gateway.audit.signing import signed, vouched
from gateway.database.protocol import Database

log = structlog.get_logger("payguard.audit")

BATCH = 500


async def prune(
    database: Database, sealer: Sealing, keep: float, *, now: Callable[[], float], add: Callable[..., object]
) -> None:
    """Of each writer, up to its last seal that is older than ``keep`` seconds.

    Only up to a seal of ours: who could make us sign a seal of his own would have an entry removed that he wants to be
    gone.  The entries are removed once the seal is committed; where that was cut short, the next run goes on.
    """
    old = await database.read(sql.OLD, now() - keep)
    ours = vouched(sealer.public, [Seal(*row) for row in await database.read(sql.KEYS)]) if old else ()
    for writer, seq in old:
        for row in await database.read(sql.SEAL_AT, writer, seq):
            seal = Seal(*row)
            if seal.key not in ours or not signed(seal):
                log.error("a seal of the audit trail is not ours: nothing is removed before it", writer=writer, seq=seq)
            elif removed := await _removed(database, sealer.seal(writer, seq, "kept", seal.hash, round(now(), 3))):
                add("audit.prune", subject=writer, detail={"until": seq, "removed": removed})
            break


async def _removed(database: Database, kept: Seal) -> int:
    with suppress(ValueError):  # another gateway, or the run before, has put it there
        await database.write(sql.SEAL, *kept)
    removed = found = len(await database.write(sql.REMOVE, kept.writer, kept.seq, BATCH))
    while found == BATCH:
        found = len(await database.write(sql.REMOVE, kept.writer, kept.seq, BATCH))
        removed += found
    await database.write(sql.REMOVE_SEALS, kept.writer, kept.seq)
    return removed
