"""How a group is arranged for PostgreSQL, and what one is that cannot be told apart."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from gateway.database.handoff import Batch
from gateway.database.postgres_writer import ATTEMPTS, Commit, arranged, dialect
from gateway.database.protocol import DatabaseDown
from tests.gateway.database.conftest import ADD

RAISE = "UPDATE things SET amount = amount + $2 WHERE id = $1 RETURNING id"
SWEEP = "DELETE FROM things WHERE amount < $1"
LOOK = "SELECT 1"


def units(*statements: tuple[str, tuple[object, ...], bytes]) -> Batch:
    return [(asyncio.Future(), *each) for each in statements]


async def order(*statements: tuple[str, tuple[object, ...], bytes]) -> list[tuple[str, list[int]]]:
    return [(call.spoken.text, call.at) for call in arranged(units(*statements))]


async def test_equal_statements_are_joined_in_the_order_of_their_locks() -> None:
    found = await order((RAISE, ("b", 1), b"b"), (ADD, ("c", 1), b"c"), (RAISE, ("a", 1), b"a"), (ADD, ("d", 1), b""))
    assert found == [(ADD, [3, 1]), (RAISE, [2, 0])]


async def test_the_same_lock_keeps_the_order_in_which_it_was_asked_for() -> None:
    found = await order((RAISE, ("a", 1), b"a"), (ADD, ("a", 1), b"a"), (RAISE, ("b", 1), b"b"))
    assert found == [(RAISE, [0, 2]), (ADD, [1])]


async def test_what_could_not_be_told_apart_is_not_joined() -> None:
    found = await order(
        (ADD, ("a", 1), b""), (ADD, ("a", 2), b""), (ADD, ("b", 1), b""), (LOOK, (), b""), (LOOK, (), b"")
    )
    assert found == [(ADD, [0, 2]), (LOOK, [3]), (ADD, [1]), (LOOK, [4])]


def test_what_returns_something_else_goes_alone() -> None:
    assert dialect(ADD).joined
    assert dialect(RAISE).joined
    assert dialect(SWEEP).joined
    assert not dialect("UPDATE things SET amount = $2 WHERE id = $1 RETURNING amount").joined
    assert not dialect("SELECT pg_sleep($1)").joined


def test_what_the_dialects_write_differently_is_written_for_postgresql() -> None:
    said = dialect("SELECT id FROM things WHERE at < {now} {skip_locked}").text
    assert said == (
        "SELECT id FROM things WHERE at < extract(epoch FROM statement_timestamp())::float8 FOR UPDATE SKIP LOCKED"
    )


class Session:
    """A connection on which each statement fails as it is told to."""

    def __init__(self, *failures: Exception | None, closed: bool = False) -> None:
        self.said: list[str] = []
        self._failures = list(failures)
        self._closed = closed

    def is_closed(self) -> bool:
        return self._closed

    async def execute(self, text: str) -> str:
        return await self._said(text)

    async def fetch(self, text: str, *_: object) -> list[tuple[str]]:
        await self._said(text)
        return [("a",)]

    async def _said(self, text: str) -> str:
        self.said.append(text)
        if self._failures and (failure := self._failures.pop(0)) is not None:
            raise failure
        return text


async def committed(session: Session, *statements: str) -> list[object]:
    commit = Commit(session, units(*((each, ("a",), b"") for each in statements)))  # type: ignore[arg-type]
    await commit.run()
    return commit.outcomes("nobody knows")  # type: ignore[return-value]


async def test_a_statement_that_another_transaction_made_fail_is_tried_again() -> None:
    again = [asyncpg.SerializationError("x"), asyncpg.DeadlockDetectedError("x"), None]
    assert await committed(Session(*again), LOOK) == [[("a",)]]

    session = Session(*[asyncpg.LockNotAvailableError("held")] * ATTEMPTS)
    [outcome] = await committed(session, LOOK)
    assert isinstance(outcome, DatabaseDown)
    assert len(session.said) == ATTEMPTS


async def test_a_group_that_fails_is_taken_back_and_carried_out_one_by_one() -> None:
    session = Session(None, None, asyncpg.UniqueViolationError("taken"))
    assert await committed(session, "SELECT 1", "SELECT 2") == [[("a",)], [("a",)]]
    assert session.said == ["BEGIN", "SELECT 1", "SELECT 2", "ROLLBACK", "SELECT 1", "SELECT 2"]


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (asyncpg.CheckViolationError("x"), ValueError),
        (asyncpg.UndefinedTableError("x"), ValueError),
        (asyncpg.DataError("x"), ValueError),
        (TypeError("x"), ValueError),
        (asyncpg.DiskFullError("x"), DatabaseDown),
        (asyncpg.QueryCanceledError("x"), DatabaseDown),
        (asyncpg.InsufficientPrivilegeError("x"), DatabaseDown),
    ],
)
async def test_what_is_refused_is_told_from_what_could_not_be_done(failure, kind) -> None:
    [outcome] = await committed(Session(failure), LOOK)
    assert type(outcome) is kind


@pytest.mark.parametrize(
    "failure", [asyncpg.AdminShutdownError("x"), asyncpg.ReadOnlySQLTransactionError("x"), OSError("gone")]
)
async def test_what_ends_the_session_is_raised_and_nobody_knows_the_rest(failure) -> None:
    session = Session(failure, closed=isinstance(failure, OSError))
    commit = Commit(session, units((LOOK, (), b""), (ADD, ("a", 1), b"")))  # type: ignore[arg-type]
    with pytest.raises(type(failure)):
        await commit.run()

    outcomes = commit.outcomes(failure)
    assert [type(each) for each in outcomes] == [DatabaseDown, DatabaseDown]
    assert [each.__cause__ for each in outcomes] == [failure, failure]  # type: ignore[union-attr]


async def test_what_was_committed_before_the_session_ended_is_certain() -> None:
    session = Session(asyncpg.UniqueViolationError("x"), None, asyncpg.AdminShutdownError("x"))
    commit = Commit(session, units((ADD, ("a", 1), b""), (LOOK, (), b"")))  # type: ignore[arg-type]
    session.said.clear()
    with pytest.raises(asyncpg.AdminShutdownError):
        await commit.run()

    assert [type(each) for each in commit.outcomes("x")] == [list, DatabaseDown]
