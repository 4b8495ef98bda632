"""PostgreSQL: a real server that is away, frozen, killed or started again; replies that are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from structlog.testing import capture_logs

from gateway.database.postgres import PostgresDatabase
from gateway.database.protocol import DatabaseDown, SchemaMismatch, Unfit
from tests.gateway.database.conftest import ADD, COUNT, until
from tests.gateway.database.wire import COMMIT, SYNC, Wire
from tests.servers import postgres_server

PLACE = "UPDATE things SET amount = $2 WHERE id = $1 RETURNING $1"
RAISE = "UPDATE things SET amount = amount + $2 WHERE id = $1 RETURNING id"


def kinds(outcomes: list[object]) -> list[type]:
    return [type(each) for each in outcomes]


async def written(database: PostgresDatabase, *statements: tuple[object, ...]) -> list[object]:
    """Of one group."""
    return await asyncio.gather(
        *(database.write(*each, lock=str(each[1]).encode()) for each in statements),  # type: ignore[arg-type]
        return_exceptions=True,
    )


async def taken(write: Callable[[], Awaitable[object]]) -> bool:
    try:
        await write()
    except DatabaseDown:
        return False
    return True


# groups


async def test_a_group_of_several_statements_is_one_transaction(on_postgres, postgres_url) -> None:
    database = await on_postgres(postgres_url)
    await written(database, (ADD, "a", 1), (ADD, "b", 1))
    before = database.stats()["commits_total"]

    outcomes = await written(
        database, (ADD, "c", 1), (RAISE, "a", 5), (ADD, "d", 1), (PLACE, "b", 7), (RAISE, "nobody", 1)
    )

    assert outcomes == [[("c",)], [("a",)], [("d",)], [("b",)], []]
    assert await database.read(COUNT) == [(4, 6 + 7 + 1 + 1)]
    assert database.stats()["commits_total"] - before == 1


async def test_a_row_that_somebody_holds_costs_the_others_of_the_group_nothing(on_postgres, postgres_url) -> None:
    database = await on_postgres(postgres_url)
    await written(database, (ADD, "held", 1), (ADD, "free", 1))
    other = await asyncpg.connect(postgres_url)
    async with other.transaction():
        await other.execute("UPDATE payguard.things SET amount = 100 WHERE id = 'held'")

        outcomes = await written(database, (RAISE, "held", 1), (RAISE, "free", 1), (ADD, "new", 1))

    await other.close()
    assert kinds(outcomes) == [DatabaseDown, list, list]
    assert await database.read(COUNT) == [(3, 100 + 2 + 1)]
    assert await database.write(RAISE, "held", 1)


async def test_groups_of_two_gateways_that_want_the_same_rows_never_fail_each_other(on_postgres, postgres_url) -> None:
    first, second = await on_postgres(postgres_url), await on_postgres(postgres_url)
    rows = [f"{number}" for number in range(30)]
    await written(first, *((ADD, row, 0) for row in rows))

    for _ in range(10):
        await asyncio.gather(
            written(first, *((RAISE, row, 1) for row in rows)),
            written(second, *((RAISE, row, 1) for row in reversed(rows))),
        )

    assert await first.read(COUNT) == [(30, 30 * 20)]
    assert first.stats()["failures_total"] == second.stats()["failures_total"] == 0


async def test_groups_that_wait_for_each_other_crosswise_both_take_effect(on_postgres, postgres_url) -> None:
    first, second = await on_postgres(postgres_url), await on_postgres(postgres_url)
    await written(first, (ADD, "a", 0), (ADD, "b", 0))
    slowly = (
        "UPDATE things SET amount = amount + $2 + CAST(length(CAST(pg_sleep(0.1) AS TEXT)) AS BIGINT) WHERE id = $1"
    )
    statements = [f"/* {step} */ {slowly}" for step in (1, 2)]  # these go one by one, in this order

    outcomes = await asyncio.gather(
        written(first, (statements[0], "a", 1), (statements[1], "b", 1)),
        written(second, (statements[0], "b", 1), (statements[1], "a", 1)),
    )

    assert outcomes == [[[], []], [[], []]]
    assert await first.read(COUNT) == [(2, 4)]


async def test_the_same_claim_is_given_to_one_of_two_gateways(on_postgres, postgres_url) -> None:
    databases = [await on_postgres(postgres_url), await on_postgres(postgres_url)]
    claim = "INSERT INTO things (id, amount) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id"

    outcomes = await asyncio.gather(
        *(database.write(claim, f"{number}", 1) for number in range(200) for database in databases)
    )

    assert sum(map(len, outcomes)) == 200
    assert await databases[0].read(COUNT) == [(200, 200)]


async def test_a_session_that_somebody_ends_is_made_anew(on_postgres, postgres_url, postgres) -> None:
    database = await on_postgres(postgres_url)
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'payguard'"
    await database.read(COUNT)

    await postgres.run(ended)
    await until(lambda: taken(lambda: database.write(ADD, "a", 1)))

    assert await database.read(COUNT) == [(1, 1)]  # its connections were ended too


async def test_a_reader_whose_connection_breaks_asks_again_on_another(on_postgres, postgres_url) -> None:
    async with Wire(postgres_url).laid() as wire:
        database = await on_postgres(wire.url)
        await database.read(COUNT)
        wire.break_at(SYNC)

        assert await database.read(COUNT) == [(0, 0)]
        await database.close()


# a server that is away


async def test_a_server_that_cannot_be_reached_at_start_is_tried_again(on_postgres, own_postgres) -> None:
    own_postgres.stop()
    database = await on_postgres(own_postgres.url())

    assert not database.opened
    assert "Connect call failed" in database.trouble
    with pytest.raises(DatabaseDown):
        await database.write(ADD, "a", 1)
    with pytest.raises(DatabaseDown):
        await database.read(COUNT)

    await asyncio.to_thread(own_postgres.start)
    await until(lambda: database.opened)
    assert database.trouble is None
    assert await database.read("SELECT count(*) FROM payments") == [(0,)]


async def test_what_was_acknowledged_survives_a_server_that_is_killed(on_postgres, own_postgres) -> None:
    database = await on_postgres(own_postgres.url())
    acknowledged: list[str] = []

    async def press(client: int) -> None:
        for number in range(400):
            name = f"{client}-{number}"
            if await taken(lambda name=name: database.write(ADD, name, 1)):
                acknowledged.append(name)
            else:
                await asyncio.sleep(0.001)

    pressing = asyncio.gather(*(press(client) for client in range(8)))
    await until(lambda: len(acknowledged) > 500)
    await asyncio.to_thread(own_postgres.kill)
    with pytest.raises(DatabaseDown):
        await database.write(ADD, "while it is away", 1)
    await asyncio.to_thread(own_postgres.start)
    before = len(acknowledged)
    await pressing
    await until(lambda: taken(lambda: database.write(ADD, "afterwards", 1)))

    kept = {name for (name,) in await database.read("SELECT id FROM things")}
    assert {*acknowledged, "afterwards"} <= kept
    assert before > 500


async def test_a_server_that_is_started_again_is_found_while_nobody_writes(on_postgres, own_postgres) -> None:
    database = await on_postgres(own_postgres.url())
    await database.read(COUNT)
    with capture_logs() as said:
        await asyncio.to_thread(own_postgres.stop)
        await until(lambda: database.trouble is not None)
        await asyncio.to_thread(own_postgres.start)
        await until(lambda: database.trouble is None)

    assert await database.read(COUNT) == [(0, 0)]
    events = [each["event"] for each in said]
    assert events[0] == "the ledger's connection was lost"
    assert events[-1] == "the ledger's connection is there again"


async def test_a_server_that_hangs_fails_what_waits_and_is_not_waited_for_again(on_postgres, own_postgres) -> None:
    database = await on_postgres(own_postgres.url(), patience=2.0)
    await database.write(ADD, "before", 1)
    await database.read(COUNT)
    own_postgres.freeze()

    outcomes = await asyncio.gather(
        *(database.write(ADD, f"{number}", 1) for number in range(5)), database.read(COUNT), return_exceptions=True
    )
    assert kinds(outcomes) == [DatabaseDown] * 6
    assert database.trouble
    refused = database.write(ADD, "at once", 1)
    assert refused.done()
    assert refused.exception()

    own_postgres.thaw()
    await until(lambda: taken(lambda: database.write(ADD, "after", 1)))
    assert ("after",) in await database.read("SELECT id FROM things")


@pytest.mark.parametrize(("last", "statements"), [(COMMIT, [(ADD, "a", 1), (RAISE, "b", 1)]), (SYNC, [(ADD, "a", 1)])])
async def test_a_commit_whose_reply_is_lost_is_told_as_unknown(on_postgres, postgres_url, last, statements) -> None:
    async with Wire(postgres_url).laid() as wire:
        database = await on_postgres(wire.url, patience=2.0)
        await written(database, (ADD, "b", 1))
        await written(database, (ADD, "c", 1), (RAISE, "b", 1))
        wire.lose_answers_after(last)

        outcomes = await written(database, *statements)

        assert kinds(outcomes) == [DatabaseDown] * len(statements)
        assert wire.lost.is_set()
        wire.mend()
        await until(lambda: taken(lambda: database.write(PLACE, "nobody", 1)))
        assert ("a",) in await database.read("SELECT id FROM things")  # it was committed
        await database.close()


async def test_a_standby_is_waited_for_until_it_is_promoted(on_postgres, own_postgres) -> None:
    first = await on_postgres(own_postgres.url())
    await first.close()
    own_postgres.stop()
    (own_postgres.folder / "data" / "standby.signal").touch()
    own_postgres.start()

    database = await on_postgres(own_postgres.url())
    assert database.trouble == "the PostgreSQL server is a standby, which takes no payments"
    assert not database.opened

    await own_postgres.run("SELECT pg_promote()")
    await until(lambda: database.opened)
    assert await database.write(ADD, "a", 1)


async def test_closing_does_not_wait_for_a_server_that_is_away(on_postgres, own_postgres) -> None:
    database = await on_postgres(own_postgres.url())
    await asyncio.to_thread(own_postgres.kill)
    await until(lambda: database.trouble is not None)

    await database.close()

    assert not database.opened


async def test_a_wrong_password_is_said_without_any(on_postgres, postgres) -> None:
    url = postgres.url().replace(postgres.password, "letmein")
    with capture_logs() as said:
        database = await on_postgres(url)

    assert "password authentication failed" in database.trouble
    assert "letmein" not in str(said)


# what it must be


async def test_a_server_that_does_not_sync_is_refused(on_postgres) -> None:
    with postgres_server(fsync="off") as server, pytest.raises(Unfit, match="fsync = off"):
        await on_postgres(server.url())


async def test_commits_are_synchronous_whatever_the_server_s_default(on_postgres, postgres) -> None:
    name = await postgres.create()
    await postgres.run(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with capture_logs() as said:
        database = await on_postgres(postgres.url(name))

    assert await database.write("SELECT current_setting('synchronous_commit')") == [("on",)]
    assert [each for each in said if each["event"].startswith("synchronous_commit is off")]
    await database.close()
    await postgres.drop(name)


async def test_a_newer_schema_is_refused(on_postgres, postgres_url) -> None:
    first = await on_postgres(postgres_url)
    await first.write("UPDATE schema_version SET version_num = '9999'")

    with pytest.raises(SchemaMismatch, match="is at 9999, which this payguard does not know"):
        await on_postgres(postgres_url)
    assert await first.write(ADD, "one that serves already goes on", 1)


async def test_a_newer_schema_that_is_found_later_keeps_it_from_being_opened(on_postgres, own_postgres) -> None:
    first = await on_postgres(own_postgres.url())
    await first.write("UPDATE schema_version SET version_num = '9999'")
    await first.close()
    await asyncio.to_thread(own_postgres.stop)
    database = await on_postgres(own_postgres.url())

    await asyncio.to_thread(own_postgres.start)
    await until(lambda: "9999" in database.trouble)

    assert not database.opened
    assert not await taken(lambda: database.write(ADD, "a", 1))


async def test_where_only_a_person_may_change_the_schema_it_is_left_alone(on_postgres, postgres) -> None:
    name = await postgres.create()
    with pytest.raises(SchemaMismatch, match="run `payguard ledger migrate`"):
        await on_postgres(postgres.url(name), migrate="manual")
    assert await postgres.run("SELECT 1 FROM pg_namespace WHERE nspname = 'payguard'", database=name) == []
    await postgres.drop(name)


async def test_its_tables_are_in_a_namespace_of_their_own(on_postgres, postgres, postgres_url) -> None:
    name = postgres_url.rpartition("/")[2]
    await postgres.run("CREATE TABLE public.payments (ours TEXT)", database=name)
    database = await on_postgres(postgres_url)

    assert await database.read("SELECT count(*) FROM payments WHERE id = $1", "a") == [(0,)]
