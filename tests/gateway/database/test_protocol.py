"""What every database does, over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest

from gateway.database import handoff
from gateway.database.protocol import DatabaseDown
from tests.gateway.database.conftest import ADD, COUNT


async def test_what_is_written_can_be_read(opened) -> None:
    database = await opened()

    assert await database.write(ADD, "a", 5) == [("a",)]
    assert await database.read(COUNT) == [(1, 5)]


async def test_statements_of_one_turn_are_one_commit(opened) -> None:
    database = await opened()
    before = database.stats()

    await asyncio.gather(*(database.write(ADD, f"{number}", 1) for number in range(100)))

    after = database.stats()
    assert after["commits_total"] - before["commits_total"] == 1
    assert after["statements_total"] - before["statements_total"] == 100
    assert await database.read(COUNT) == [(100, 100)]


async def test_after_a_group_the_next_is_gathered_from_those_who_were_told(opened, monkeypatch) -> None:
    monkeypatch.setattr(handoff, "GATHERING", 60.0)
    monkeypatch.setattr(handoff, "LONGEST_GATHERING", 60.0)
    monkeypatch.setattr(handoff, "MANY", 2)
    database = await opened()
    await asyncio.gather(database.write(ADD, "a", 1), database.write(ADD, "b", 1))
    before = database.stats()

    first = database.write(ADD, "c", 1)
    for _ in range(5):
        await asyncio.sleep(0)
    await asyncio.gather(first, database.write(ADD, "d", 1))

    assert database.stats()["commits_total"] - before["commits_total"] == 1


async def test_statements_take_effect_in_the_order_in_which_they_were_handed_over(opened) -> None:
    database = await opened()
    for number in range(5):
        database.write(ADD, f"{number}", 1)
        database.write("UPDATE things SET amount = amount * 10 + $2 WHERE id = $1 RETURNING $1", f"{number}", 2)

    await database.write(ADD, "last", 0)

    assert await database.read("SELECT DISTINCT amount FROM things WHERE id <> 'last'") == [(12,)]


async def test_a_refused_statement_fails_alone_and_its_group_is_committed(opened) -> None:
    database = await opened()
    before = database.stats()

    outcomes = await asyncio.gather(
        database.write(ADD, "a", 1),
        database.write(ADD, "a", 2),
        database.write(ADD, "b", None),
        database.write(ADD, "c", 1 << 70),
        database.write(ADD, "d", object()),
        database.write("INSERT INTO nowhere VALUES ($1)", 1),
        database.write(ADD, "e", 3),
        return_exceptions=True,
    )

    assert [type(each) for each in outcomes] == [list, *[ValueError] * 5, list]
    assert await database.read(COUNT) == [(2, 4)]
    after = database.stats()
    assert after["commits_total"] - before["commits_total"] == 1
    assert after["failures_total"] == 5


async def test_cancelling_takes_nothing_back(opened) -> None:
    database = await opened()
    database.write(ADD, "a", 1).cancel()
    waiting = asyncio.ensure_future(database.write(ADD, "b", 1))
    await asyncio.sleep(0)
    waiting.cancel()

    await database.write(ADD, "c", 1)

    assert await database.read(COUNT) == [(3, 3)]


async def test_rows_of_every_kind_come_back(opened) -> None:
    database = await opened()
    await database.write("INSERT INTO things (id, amount, at, data) VALUES ($1, $2, $3, $4)", "a", 1, 1.5, b"\x00\xff")
    await database.write("INSERT INTO things (id, amount) VALUES ($1, $2)", "b", 2)

    rows = await database.write("UPDATE things SET amount = amount + $1 RETURNING id, amount, at, data", 10)

    assert sorted(rows) == [("a", 11, 1.5, b"\x00\xff"), ("b", 12, None, None)]


async def test_the_first_parameter_comes_back_once_for_each_row_that_was_changed(opened) -> None:
    database = await opened()
    await asyncio.gather(*(database.write(ADD, f"{number}", 1) for number in range(3)))

    assert await database.write("UPDATE things SET amount = 7 WHERE id <> $1 RETURNING $1", "9") == [("9",)] * 3
    assert await database.write("DELETE FROM things WHERE id = $1 RETURNING $1", "9") == []
    again = "INSERT INTO things (id, amount) VALUES ($1, 1) ON CONFLICT DO NOTHING RETURNING $1"
    assert await database.write(again, "0") == []


async def test_a_statement_that_cannot_be_read_is_refused(opened) -> None:
    database = await opened()
    with pytest.raises(ValueError, match="nowhere"):
        await database.read("SELECT * FROM nowhere")


async def test_what_reads_cannot_write(opened) -> None:
    database = await opened()
    with pytest.raises(DatabaseDown):
        await database.read("DELETE FROM things")


async def test_a_reader_sees_what_was_committed_before(opened) -> None:
    database = await opened()
    for number in range(50):
        await database.write(ADD, f"{number}", 1)
        assert await database.read(COUNT) == [(number + 1, number + 1)]


async def test_before_it_is_opened_and_after_it_is_closed_nothing_is_taken(opened) -> None:
    database = await opened()
    again = type(database)(database.path if hasattr(database, "path") else "postgresql://127.0.0.1:9/none")
    await database.close()

    for shut in (again, database):
        assert not shut.opened
        assert shut.trouble
        with pytest.raises(DatabaseDown):
            await shut.write(ADD, "a", 1)
        with pytest.raises(DatabaseDown):
            await shut.read(COUNT)
        await shut.close()


async def test_closing_carries_out_what_was_handed_over(opened) -> None:
    database = await opened()
    written = [database.write(ADD, f"{number}", 1) for number in range(20)]
    await database.close()

    assert all(each.result() for each in written)
    assert await (await opened()).read(COUNT) == [(20, 20)]


async def test_more_than_may_wait_is_refused_at_once(opened) -> None:
    database = await opened(most=10)
    written = [database.write(ADD, f"{number}", 1) for number in range(12)]

    assert [each.done() for each in written] == [False] * 10 + [True] * 2
    outcomes = await asyncio.gather(*written, return_exceptions=True)
    assert [type(each) for each in outcomes] == [list] * 10 + [DatabaseDown] * 2
    assert database.stats()["queued"] == 0
    assert await database.write(ADD, "more", 1)


async def test_two_statements_with_one_first_value_are_told_apart(opened) -> None:
    database = await opened()
    add = "INSERT INTO things (id, amount) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING $1"

    outcomes = await asyncio.gather(*(database.write(add, "same", number) for number in range(3)))

    assert outcomes == [[("same",)], [], []]


async def test_what_a_client_is_told_says_nothing_of_the_inside(opened) -> None:
    database = await opened()
    await database.close()

    with pytest.raises(DatabaseDown) as refused:
        await database.write(ADD, "a", 1)

    assert (refused.value.detail, refused.value.members) == ("The ledger is not available.", {})
    assert str(refused.value.__cause__) == "it is closed"
