"""Pruning: what is old goes, up to a seal of ours; what is left is verified as before."""

from __future__ import annotations

from gateway.audit import statements as sql
from gateway.audit.entries import Entry, Seal
from gateway.audit.pruning import prune
from gateway.audit.signing import Sealer, Signer
from gateway.audit.verification import Report, Verifier
from tests.gateway.audit.conftest import SIGNER
from tests.gateway.audit.test_verification import Trail

DAY = 86400.0


async def keep(database, trail: Trail) -> None:
    for entry in trail.entries:
        await database.write(sql.APPEND, entry.hash, entry.writer, entry.seq, entry.text)
    for seal in trail.seals:
        await database.write(sql.SEAL, *seal)


async def verified(database) -> Report:
    verifier = Verifier([SIGNER.public], first=[Seal(*row) for row in await database.read(sql.FIRST)])
    for writer, seq, kind, hash_, entry, at, key, signature in await database.read(sql.EVERYTHING):
        verifier.take(Seal(writer, seq, kind, hash_, at, key, signature) if kind else Entry(writer, seq, hash_, entry))
    return verifier.end()


async def pruned(database, now: float, keep: float = DAY, by: Signer = SIGNER) -> list[tuple[str, dict]]:
    added: list[tuple[str, dict]] = []
    await prune(database, Sealer([by]), keep, now=lambda: now, add=lambda action, **said: added.append((action, said)))
    return added


async def test_what_is_old_goes_up_to_a_seal_and_the_rest_is_whole(database) -> None:
    trail = Trail(count=20, every=6, ended=False)
    trail.seals[2] = SIGNER.seal("w", 18, "seal", trail.at(18).hash, 1e9 + DAY)
    await keep(database, trail)

    assert await pruned(database, 1e9 + DAY + 1) == [
        ("audit.prune", {"subject": "w", "detail": {"until": 12, "removed": 12}})
    ]
    report = await verified(database)
    assert (report.findings, report.entries, report.seals) == ([], 8, 1)
    assert await pruned(database, 1e9 + DAY + 1) == []
    await pruned(database, 1e9 + 3 * DAY)
    report = await verified(database)
    assert (report.findings, report.entries) == ([], 2)


async def test_what_is_not_old_stays(database) -> None:
    await keep(database, Trail())
    assert await pruned(database, 1e9 + DAY) == []
    assert (await verified(database)).entries == 20


async def test_a_chain_that_has_ended_goes_whole_and_its_end_stays(database) -> None:
    await keep(database, Trail())
    await pruned(database, 1e9 + DAY + 1)

    report = await verified(database)
    assert (report.findings, report.entries, report.seals) == ([], 0, 1)
    assert await pruned(database, 1e9 + DAY + 1) == []


async def test_more_than_a_batch_goes_whole(database) -> None:
    await keep(database, Trail(count=1010, every=1010, ended=False))
    [(_, said)] = await pruned(database, 1e9 + DAY + 1)
    assert said["detail"]["removed"] == 1010


async def test_nothing_goes_for_a_seal_that_is_not_ours(database) -> None:
    trail = Trail(ended=False)
    forger = Signer(b"the seed of somebody who forges.")
    trail.seals = [forger.seal("w", 20, "seal", trail.at(20).hash, 1e9)]
    await keep(database, trail)

    assert await pruned(database, 1e9 + DAY + 1) == []
    assert len(await database.read("SELECT seq FROM audit")) == 20


async def test_what_was_cut_short_is_gone_on_with(database) -> None:
    trail = Trail(ended=False)
    await keep(database, trail)
    kept = SIGNER.seal("w", 20, "kept", trail.at(20).hash, 1e9 + 1)
    await database.write(sql.SEAL, *kept)
    await database.write(sql.REMOVE, "w", 20, 7)
    assert (await verified(database)).findings == []

    [(_, said)] = await pruned(database, 1e9 + DAY + 1)
    assert said["detail"]["removed"] == 13


async def test_what_a_key_of_before_has_sealed_goes_where_one_of_ours_vouches_for_it(database) -> None:
    new = Signer(b"the seed of the key of to-morrow")
    await keep(database, Trail(ended=False))
    assert await pruned(database, 1e9 + DAY + 1, by=new) == []

    for pledge in Sealer([new, SIGNER]).pledges(1e9):
        await database.write(sql.VOUCH, *pledge)
    [(_, said)] = await pruned(database, 1e9 + DAY + 1, by=new)
    assert said["detail"]["removed"] == 20
