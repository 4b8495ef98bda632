"""Lists of payments: which statement finds them, and by which index.  Pure.

By claim, request and the states that are not settled, an index finds them.  Other conditions are looked for
among the newest ``LOOKED_AT`` payments before the cursor, so that no question reads a ledger of millions; a page says
where that ended.  By age, the look begins at the ids that were made then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.ids import payment_ids_until
from gateway.ledger import statements as sql
from gateway.ledger.records import SETTLED, Query, State

MOST = 1000
"""Payments of one page."""

LOOKED_AT = 100_000

CLOCKS_DIFFER = 600.0
"""Seconds by which a gateway's clock, which its ids are made by, may be off the database's."""

_FLYING = frozenset({State.RESERVED, State.SENT})


class Search(NamedTuple):
    """``bounded`` where no index finds them: it has the first id to look at as one more value, the last."""

    statement: str
    values: tuple[Any, ...]
    bounded: bool


def search(query: Query, now: float) -> Search:
    """``now`` is by any clock that is at most ``CLOCKS_DIFFER`` seconds off."""
    conditions = _Conditions()
    if query.states:
        conditions.add(_of_states(query.states))
    if query.customers:
        conditions.add(f"customer IN ({', '.join('{}' for _ in query.customers)})", *query.customers)
    for column in ("route", "owner", "claim", "request_id", "currency"):
        if (value := getattr(query, column)) is not None:
            conditions.add(f"{column} = {{}}", value)
    if query.least is not None:
        conditions.add("amount >= {}", query.least)
    if query.most is not None:
        conditions.add("amount <= {}", query.most)
    if query.older_than is not None:
        conditions.add("created_at <= {now} - CAST({} AS DOUBLE PRECISION)", query.older_than)
        conditions.add("id <= {}", payment_ids_until(now - query.older_than + CLOCKS_DIFFER))
    if query.cursor is not None:
        conditions.add("id < {}", query.cursor)
    bounded = _needs_bound(query)
    values = tuple(conditions.values)
    if bounded:
        conditions.add("id >= {}", None)
    statement = sql.LIST.replace("{conditions}", " AND ".join(conditions.texts) or "1 = 1")
    return Search(statement.replace("{limit}", str(max(1, min(query.limit, MOST)))), values, bounded)


def first_looked_at(query: Query, now: float) -> Search:
    """The id ``LOOKED_AT`` payments before where ``query`` begins; nothing where there are not so many."""
    conditions = _Conditions()
    if query.cursor is not None:
        conditions.add("id < {}", query.cursor)
    if query.older_than is not None:
        conditions.add("id <= {}", payment_ids_until(now - query.older_than + CLOCKS_DIFFER))
    statement = sql.FLOOR.replace("{conditions}", " AND ".join(conditions.texts) or "1 = 1")
    return Search(statement.replace("{offset}", str(LOOKED_AT - 1)), tuple(conditions.values), bounded=False)


class _Conditions:
    """Of a WHERE, with their values."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.values: list[Any] = []

    def add(self, condition: str, *given: Any) -> None:
        places = []
        for value in given:
            self.values.append(value)
            places.append(f"${len(self.values)}")
        self.texts.append(condition.format(*places, now="{now}"))


def _needs_bound(query: Query) -> bool:
    if query.claim is not None or query.request_id is not None:
        return False
    if query.states:
        return not SETTLED.isdisjoint(query.states)
    some = (query.route, query.owner, query.currency, query.least, query.most)
    return bool(query.customers) or any(each is not None for each in some)


def _of_states(states: Sequence[State]) -> str:
    """Of those that are not settled there are few, and each has its index."""
    if not SETTLED.isdisjoint(states):
        return sql.among(*states)
    flying, open_ = [each for each in states if each in _FLYING], [each for each in states if each not in _FLYING]
    found = []
    if open_:
        found.append(f"SELECT id FROM payments WHERE {sql.OPEN} AND {sql.among(*open_)}")  # noqa: S608 - our own words
    if flying:
        found.append(f"SELECT id FROM payments WHERE due_at > 0 AND {sql.among(*flying)}")  # noqa: S608 - as above
    return f"id IN ({' UNION ALL '.join(found)})"
