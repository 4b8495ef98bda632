"""The writer: what is kept of an entry, when it is committed, and what becomes of it while the database is away."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from gateway.audit.entries import LIMIT, digest, genesis
from gateway.database.opening import open_database
from gateway.database.protocol import DatabaseDown
from tests.gateway.database.conftest import until

ALL = "SELECT writer, seq, hash, entry FROM audit ORDER BY writer, seq"
SEALS = "SELECT writer, seq, kind, hash FROM audit_seals ORDER BY writer, seq, kind"


async def rows(database) -> list[tuple]:
    return [tuple(row) for row in await database.read(ALL)]


async def actions(database) -> list[str]:
    return [orjson.loads(row[3])["action"] for row in await rows(database)]


async def test_an_entry_says_who_did_what_to_whom_when_by_which_policy_and_how_it_ended(database, writer) -> None:
    await writer.add("vault.reveal", subject="tok_1", principal="ann", ip="203.0.113.7", detail={"route": "egress"})

    [(by, seq, _, entry)] = await rows(database)
    assert (by, seq) == (writer.writer, 1)
    assert orjson.loads(entry) == {
        "seq": 1,
        "prev": genesis(writer.writer),
        "at": 1_700_000_000.0,
        "action": "vault.reveal",
        "subject": "tok_1",
        "outcome": "done",
        "principal": "ann",
        "ip": "1:audit ip 7.311.0.302",
        "policy": "5ba1",
        "detail": {"route": "egress"},
    }


async def test_each_entry_is_chained_to_the_one_before_by_its_very_bytes(database, writer) -> None:
    await asyncio.gather(*(writer.add("a.b", subject=str(number)) for number in range(5)))

    previous = genesis(writer.writer)
    for number, (_, seq, hash_, entry) in enumerate(await rows(database), 1):
        assert seq == number
        assert orjson.loads(entry)["prev"] == previous
        assert hash_ == (previous := digest(entry.encode()))


async def test_several_writers_have_a_chain_each(database, writers) -> None:
    one, other = writers(database), writers(database)
    await asyncio.gather(*(each.add("a.b", subject="x") for each in (one, other, one)))

    assert sorted((row[0], row[1]) for row in await rows(database)) == sorted(
        [(one.writer, 1), (one.writer, 2), (other.writer, 1)]
    )


async def test_an_entry_is_in_the_commit_of_what_is_written_beside_it(database, writer) -> None:
    await writer.add("a.b", subject="first")
    before = database.stats()["commits_total"]
    written = database.write(
        "INSERT INTO key_checks (kind, id, value) VALUES ($1, $2, $3) RETURNING $1", "kind", "id", "value"
    )
    entry = writer.add("a.b", subject="second")
    await written
    await entry

    assert database.stats()["commits_total"] == before + 1


@pytest.mark.parametrize(
    "entry",
    [
        {"subject": "4242424242424242"},
        {"subject": "x", "principal": "sk_live_4242abcd"},
        {"subject": "x", "outcome": "Bearer abcdefgh12345678"},
        {"subject": "x", "detail": {"said": "card 4242 4242 4242 4242", "number": 4242424242424242}},
        {"subject": "x", "detail": {"password": "hunter2hunter2"}},
        {"subject": "x", "detail": {"said": "password=hunter2hunter2"}},
    ],
)
async def test_no_card_number_key_or_secret_stands_in_an_entry(database, writer, entry) -> None:
    await writer.add("a.b", **entry)
    await writer.record(
        "a.b",
        **{
            "outcome": "x",
            "principal": None,
            "ip": None,
            "policy": "",
            "detail": {},
            **entry,
            "subject": "4242424242424242",
        },
    )

    text = " ".join(row[3] for row in await rows(database))
    assert not any(secret in text for secret in ("424242424242", "4242 4242", "4242abcd", "abcdefgh"))
    assert "hunter2" not in (await rows(database))[0][3]


async def test_an_entry_that_is_too_long_is_kept_without_its_detail(database, writer) -> None:
    await writer.add("a.b", subject="s" * 500, detail={"diff": "x" * LIMIT})

    [(*_, entry)] = await rows(database)
    assert orjson.loads(entry)["detail"].keys() == {"cut"}
    assert orjson.loads(entry)["subject"] == "s" * 200


async def test_text_that_no_database_can_hold_is_written_with_question_marks(database, writer) -> None:
    given = {"outcome": "done", "principal": None, "ip": None, "policy": "5ba1"}
    await writer.record("a.b", subject="\ud800", **given, detail={"zero": "\0", "long": 1 << 70})

    [(*_, entry)] = await rows(database)
    assert orjson.loads(entry)["subject"] == "?"


async def test_the_database_refuses_to_change_or_remove_an_entry_or_a_seal(database, writer) -> None:
    await writer.add("a.b", subject="x")
    await writer.close()
    for statement in (
        "UPDATE audit SET entry = 'x' WHERE seq > $1",
        "DELETE FROM audit WHERE seq > $1",
        "UPDATE audit_seals SET hash = 'x' WHERE seq > $1",
        "DELETE FROM audit_seals WHERE seq > $1",
    ):
        with pytest.raises(ValueError, match="only added to"):
            await database.write(statement, 0)
    assert len(await rows(database)) == len(await database.read(SEALS)) == 1


async def test_it_is_sealed_by_count_and_at_its_end_and_each_seal_is_told_once_committed(
    database, writers, told
) -> None:
    writer = writers(database, count=3)
    await asyncio.gather(*(writer.add("a.b", subject="x") for _ in range(4)))
    assert writer.waiting == 0
    await until(lambda: told)
    await writer.add("a.b", subject="x")
    await writer.close()

    entries = {row[1]: row[2] for row in await rows(database)}
    seals = [tuple(row) for row in await database.read(SEALS)]
    assert seals == [(writer.writer, 3, "seal", entries[3]), (writer.writer, 5, "end", entries[5])]
    assert [(code, said["seq"], said["kind"], said["hash"]) for code, said in told] == [
        ("audit_sealed", *seal[1:]) for seal in seals
    ]


async def test_it_is_sealed_after_a_while_where_something_is_new(database, writers, told) -> None:
    writer = writers(database, every=0.01)
    writer.open()
    await writer.add("a.b", subject="x")
    await until(lambda: told)
    await writer.close()

    assert [said["kind"] for _, said in told] == ["seal", "end"]


async def test_what_comes_while_the_database_is_away_is_written_in_its_order_once_it_is_there(
    url, writers, told
) -> None:
    database = open_database(url)
    writer = writers(database, most=4)
    early = [writer.add("a.b", subject=str(number)) for number in range(6)]
    for each in early:
        with pytest.raises(DatabaseDown):
            await each
    assert (writer.waiting, writer.lost) == (4, 2)
    await database.open()
    try:
        await until(lambda: writer.waiting == 0)
        await writer.add("a.b", subject="last")

        said = [orjson.loads(row[3]) for row in await rows(database)]
        assert [each["subject"] for each in said] == ["0", "1", "2", "3", writer.writer, "last"]
        assert (said[4]["action"], said[4]["detail"]) == ("audit.lost", {"entries": 2})
        assert [seq for _, seq, *_ in await rows(database)] == [1, 2, 3, 4, 5, 6]
        assert ("audit_entries_lost", {"severity": "critical", "entries": 2}) in told
    finally:
        await writer.close()
        await database.close()


async def test_more_than_a_batch_that_waited_is_written_whole(url, writers) -> None:
    database = open_database(url)
    writer = writers(database)
    for number in range(600):
        writer.add("a.b", subject=str(number))
    await database.open()
    try:
        await until(lambda: writer.waiting == 0)
        assert [orjson.loads(row[3])["subject"] for row in await rows(database)] == [str(each) for each in range(600)]
    finally:
        await writer.close()
        await database.close()


async def test_who_writes_into_the_chain_of_a_gateway_that_runs_is_told_of_and_it_goes_on_in_a_new_one(
    database, writer, told
) -> None:
    await writer.add("a.b", subject="x")
    former = writer.writer
    await database.write("INSERT INTO audit (writer, seq, hash, entry) VALUES ($1, 2, 'x', '{}')", former)
    with pytest.raises((DatabaseDown, ValueError)):
        await writer.add("a.b", subject="y")
    await until(lambda: writer.waiting == 0)
    await writer.close()

    assert ("audit_chain_changed", {"severity": "critical", "writer": former, "seq": 2}) in told
    found = [(row[0] == former, orjson.loads(row[3]).get("action")) for row in await rows(database)]
    assert sorted(found, key=str) == sorted(
        [(True, "a.b"), (True, None), (False, "audit.chain_changed"), (False, "a.b")], key=str
    )


async def test_who_stops_waiting_takes_nothing_back(database, writer) -> None:
    waits = asyncio.ensure_future(writer.add("a.b", subject="x"))
    await asyncio.sleep(0)
    waits.cancel()
    await writer.add("a.b", subject="y")

    assert await actions(database) == ["a.b", "a.b"]
