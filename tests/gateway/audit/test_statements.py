"""The statements of the trail: on both engines, told apart where many are sent as one."""

from __future__ import annotations

import asyncio

import pytest

from gateway.audit.statements import APPEND, EVERYTHING, REMOVE, REMOVE_SEALS, SEAL
from gateway.database.statement import tells_itself


@pytest.mark.parametrize("statement", [APPEND, REMOVE, REMOVE_SEALS, SEAL])
def test_each_that_writes_can_be_sent_with_others_like_it(statement) -> None:
    assert tells_itself(statement)


async def test_no_entry_is_put_in_without_the_one_before_it(database) -> None:
    first, gap, second = await asyncio.gather(
        database.write(APPEND, "one", "w", 1, "{}"),
        database.write(APPEND, "three", "w", 3, "{}"),
        database.write(APPEND, "two", "w", 2, "{}"),
        return_exceptions=True,
    )
    assert (len(first), type(gap), len(second)) == (1, ValueError, 1)


async def test_a_seal_comes_after_its_entry_and_before_the_next(database) -> None:
    for number, hash_ in ((1, "one"), (2, "two")):
        await database.write(APPEND, hash_, "w", number, "{}")
    await database.write(SEAL, "w", 1, "seal", "one", 1.0, "key", "signature")
    rows = [tuple(row) for row in await database.read(EVERYTHING)]

    assert [row[:4] for row in rows] == [("w", 1, "", "one"), ("w", 1, "seal", "one"), ("w", 2, "", "two")]
    assert rows[0][4:] == ("{}", None, None, None)
    assert rows[1][4:] == (None, 1.0, "key", "signature")
