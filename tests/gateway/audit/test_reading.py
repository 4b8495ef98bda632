"""Reading the trail from its database, beside a gateway that writes to it."""

from __future__ import annotations

import pytest

from gateway.audit.entries import Entry, Seal
from gateway.audit.reading import reading
from gateway.database.opening import sqlite_url
from gateway.database.protocol import Unfit
from tests.gateway.audit.conftest import SIGNER
from tests.gateway.audit.test_pruning import keep
from tests.gateway.audit.test_verification import Trail


async def test_all_of_it_is_read_writer_by_writer_as_it_was_when_that_began(database, url, writers) -> None:
    one, other = Trail("a"), Trail("b")
    await keep(database, one)
    await keep(database, other)
    pledge, older, old = (
        SIGNER.seal(*each, "ab", 1e9) for each in (("a:b", 0, "key"), ("c", 2, "kept"), ("c", 3, "kept"))
    )
    for seal in (pledge, older, old):
        await database.write("INSERT INTO audit_seals VALUES ($1, $2, $3, $4, $5, $6, $7)", *seal)
    read: list[Entry | Seal] = []
    async with reading(url) as trail:
        await writers(database).add("a.b", subject="later")
        async for batch in trail.batches:
            read += batch

    assert read == [*one.items(), *other.items()]
    assert trail.first == [pledge, old]


async def test_what_cannot_be_read_is_said(tmp_path, postgres) -> None:
    with pytest.raises(Unfit, match=r"cannot read the audit trail of .*nowhere.db"):
        async with reading(sqlite_url(tmp_path / "nowhere.db")):
            pass
    with pytest.raises(Unfit, match=r'cannot use the database .*"nowhere" does not exist'):
        async with reading(postgres.url("nowhere")):
            pass
    with pytest.raises(Unfit, match=r"cannot read the audit trail of .*does not exist"):
        async with reading(postgres.url()):
            pass
