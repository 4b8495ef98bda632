"""The block list: that a restart frees nobody, and that gateways learn of each other's by the database."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from gateway import DatabaseDown
from gateway.database.opening import open_database, sqlite_url
from gateway.testing import HandScope, exchange
from plugins.rate_limit.blocks import Blocks, BlocksConfig
from plugins.rate_limit.problems import Blocked, RateLimited
from plugins.rate_limit.subjects import digests
from tests.plugins.rate_limit.conftest import limiter

ONCE = {"limits": [{"per": "ip", "limit": "1/minute"}], "block": {"after": 1, "within": "1m", "for": "15m"}}
OTHER = {"limits": [{"limit": "1000/minute"}]}


@pytest.fixture
async def database(sqlite_path):
    made = open_database(sqlite_url(sqlite_path))
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def gateway(database):
    """Makes what one process has: a store of its own, and the block list on the common database."""
    async with AsyncExitStack() as stack:

        async def make(**config) -> HandScope:
            lent = HandScope(tables=database)
            blocks = Blocks(BlocksConfig(**{"keep": "database", **config}), lent)
            lent.components = [blocks]
            stack.push_async_callback(blocks.close)
            await blocks.open()
            return lent

        yield make


def blocks_of(lent: HandScope) -> Blocks:
    return lent.component(Blocks)


async def refused(lent: HandScope, options=OTHER) -> str | None:
    try:
        await limiter(lent, **options).on_request(exchange())
    except RateLimited as error:
        return error.code
    return None


async def be_blocked(lent: HandScope) -> None:
    assert [await refused(lent, ONCE) for _ in range(2)] == [None, "rate_limited"]
    await lent.tasks.done()


async def test_a_restart_does_not_free_an_attacker(gateway) -> None:
    await be_blocked(await gateway())
    assert await refused(await gateway()) == "blocked"


async def test_without_the_option_it_does(gateway) -> None:
    await be_blocked(await gateway(keep="store"))
    assert await refused(await gateway(keep="store")) is None


async def test_another_gateway_learns_of_it_by_its_job(gateway) -> None:
    here, there = await gateway(), await gateway()
    await be_blocked(here)
    assert await refused(there) is None
    await blocks_of(there).refresh()
    assert await refused(there) == "blocked"


async def test_one_that_is_removed_here_is_removed_there(gateway) -> None:
    here, there = await gateway(), await gateway()
    await be_blocked(here)
    await blocks_of(there).refresh()
    [found] = await blocks_of(here).all()
    assert await blocks_of(here).remove(found.id)
    await blocks_of(there).refresh()

    assert await refused(here) is None
    assert await refused(there) is None
    assert not await blocks_of(here).remove(found.id)


async def test_while_the_database_is_away_what_the_store_has_still_holds(gateway, database) -> None:
    lent = await gateway()
    await be_blocked(lent)
    await database.close()
    with pytest.raises(DatabaseDown):
        await blocks_of(lent).refresh()

    assert await refused(lent) == "blocked"
    assert [each.id for each in await blocks_of(lent).all()] == [digests(lent, "ip", "203.0.113.7")[0]]


async def test_a_database_that_is_away_at_the_start_is_told_of_and_hinders_nobody(gateway, database) -> None:
    await database.close()
    lent = await gateway()

    assert [code for code, _, _ in lent.events] == ["blocks_not_read"]
    await be_blocked(lent)
    assert [code for code, _, _ in lent.events][-2:] == ["key_blocked", "block_not_kept"]
    [entry] = lent.audited
    assert (entry["action"], entry["subject"]) == ("block.add", digests(lent, "ip", "203.0.113.7")[0])


async def test_what_people_block_is_listed_with_who_and_why(gateway) -> None:
    lent = await gateway()
    known = digests(lent, "user", "ada")[0]
    await blocks_of(lent).add(known, "human:eve", "stolen account", 3600)
    [found] = await blocks_of(lent).all()

    assert (found.id, found.author, found.reason) == (known, "human:eve", "stolen account")
    assert 3500 < found.left <= 3600
    assert found.created_at is not None
    assert found.item["kind"] == "user"


async def test_jobs_run_where_the_database_keeps_them_and_purge_what_has_ended(gateway, database) -> None:
    kept = blocks_of(await gateway())
    assert [job.name for job in kept.jobs()] == ["refresh", "purge"]
    assert blocks_of(await gateway(keep="store")).jobs() == ()
    await kept.add("ip:1:ab", "human:eve", "scans", 0.0)
    await kept.jobs()[1].run()

    assert await database.read("SELECT id FROM blocks") == []


async def test_a_block_holds_for_a_filter_in_another_route(gateway) -> None:
    lent = await gateway()
    await be_blocked(lent)
    with pytest.raises(Blocked):
        await limiter(lent, **OTHER).on_request(exchange())
