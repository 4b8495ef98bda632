"""What a database does, whichever it is."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from gateway.errors import DependencyDown

Row: TypeAlias = Sequence[Any]


class DatabaseDown(DependencyDown):
    """A statement was not carried out, or nobody knows whether it was: the reply to its commit may be lost.

    Where a client is told of it, nothing was sent, and it may ask again soon.
    """

    code = "ledger_unavailable"

    def __init__(self, detail: str = "", *, headers: dict[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail, headers={"retry-after": "1"} | (headers or {}), **members)


class Database(Protocol):
    """Statements in the SQL that SQLite and PostgreSQL share; those that write are committed in groups.

    Parameters are ``$1`` … ``$n``; bytes, text, integers, floats and None.  What the dialects write differently stands
    in braces: ``{now}`` is the database's own clock in seconds since the epoch, a float; ``{skip_locked}`` ends a
    subquery that takes rows which nobody else is at; ``{alone}``, a condition that holds, says that what others did by
    such statements is seen by this one, all of it.
    """

    def write(self, statement: str, *values: Any, lock: bytes = b"") -> Future[list[Row]]:
        """The rows that it returns, once it is committed together with what others wrote meanwhile.

        The statement takes effect as one or not at all, whatever becomes of its group.  It is on its way when this
        returns: cancelling the future takes nothing back.  One that returns rows returns ``$1`` as their first column,
        so that many executions of it can be sent as one.  ``lock`` names the row that it may wait for: a group takes
        its locks in this order, so that two groups never wait for each other.

        The future raises DatabaseDown where the database is away, full or broken, and ValueError where the statement
        itself was refused (a constraint, a value out of range).
        """

    async def read(self, statement: str, *values: Any) -> list[Row]:
        """The rows as committed.  DatabaseDown as above."""

    async def open(self) -> None:
        """Connect, see that commits are durable, and bring the schema up to date where the settings say so.

        SchemaMismatch where the schema is not this program's, Unfit where it cannot be used as it is.  A server that
        cannot be reached is no failure: it is tried again in the background, and until then statements raise
        DatabaseDown.
        """

    async def close(self) -> None:
        """Carry out what was handed over, then disconnect."""

    @property
    def opened(self) -> bool:
        """Whether it has been reached and its schema found to be right."""

    @property
    def trouble(self) -> str | None:
        """Why statements fail now; None once a group has succeeded again."""

    def stats(self) -> Mapping[str, float]:
        """Numbers for the metrics.

        ``queued``, ``commits_total``, ``statements_total``, ``failures_total``, ``slow_total``, ``seconds_total`` (in
        commits), ``connections``, ``connections_idle``.
        """


class Unfit(Exception):
    """The database cannot be used as it is, and waiting does not mend it.  The text is a line that says what to do."""


class SchemaMismatch(Unfit):
    """The schema is not the one that this program works with."""
