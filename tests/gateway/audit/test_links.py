from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable
from typing import Any

import pytest

from gateway.audit.links import Link, retrieve
from gateway.database.protocol import DatabaseDown


def made(settle: Callable[[Future[Any]], object]) -> Link:
    link = Link(1, "hash", b"line")
    link.rows = asyncio.get_running_loop().create_future()
    settle(link.rows)
    return link


async def test_an_entry_is_committed_once_the_database_has_returned_its_row() -> None:
    link = made(lambda rows: rows.set_result([("hash",)]))

    assert await link is None
    assert link.is_committed


@pytest.mark.parametrize("settle", [lambda rows: rows.set_result([]), lambda rows: None])
async def test_one_of_which_there_is_no_row_is_not(settle) -> None:
    assert not made(settle).is_committed


async def test_one_that_the_database_took_without_a_row_says_so_to_who_waits() -> None:
    with pytest.raises(DatabaseDown):
        await made(lambda rows: rows.set_result([]))


async def test_one_that_waits_for_the_database_to_be_back_cannot_be_waited_for() -> None:
    link = Link(1, "hash", b"line")

    assert not link.is_committed
    with pytest.raises(DatabaseDown):
        await link


async def test_who_stops_waiting_does_not_take_the_statement_back() -> None:
    link = made(lambda rows: None)
    waits = asyncio.ensure_future(link)
    await asyncio.sleep(0)
    waits.cancel()
    await asyncio.wait([waits])

    assert link.rows is not None
    assert not link.rows.cancelled()


async def test_a_failure_that_nobody_waits_for_is_looked_at(caplog) -> None:
    links = [made(lambda rows: rows.set_exception(DatabaseDown("away"))), made(lambda rows: rows.cancel())]

    retrieve([*links, Link(1, "hash", b"line")])
    await asyncio.sleep(0)
    del links

    assert not [each for each in caplog.records if "never retrieved" in each.message]
