"""Records as the ledger has them, and a book of them in the test's hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from gateway import Exchange, Record, Reservation, Response, State, Unreadable

NOTHING = dict.fromkeys((field.name for field in fields(Record)), None)


@pytest.fixture
def record() -> Callable[..., Record]:
    """Makes one, with nothing in it but what is said."""

    def make(**known: Any) -> Record:
        usual = {"id": "abc", "state": State.SUCCEEDED, "fingerprint": "1:aa", "history": (), "trail": {}}
        return Record(**(NOTHING | usual | known))

    return make


class Book:
    """What an exchange reserves in, with one record at most under each claim; each step of the ledger is counted."""

    def __init__(self, make: Callable[..., Record]) -> None:
        self._make = make
        self.records: dict[bytes, Record] = {}
        self.windows: list[float] = []
        self.answers: dict[str, Response | Unreadable] = {}
        self.looks = 0
        self.faster = 0
        """How many others are faster at a claim that is free."""
        self.then: deque[dict[str, Any]] = deque()
        """What becomes of the one record, look by look."""

    def has(self, claim: bytes, **known: Any) -> Record:
        self.records[claim] = self._make(claim=claim, **known)
        return self.records[claim]

    async def reserve(self, exchange: Exchange, claim: bytes, fingerprint: str, window: float) -> Reservation | Record:
        self.windows.append(window)
        if claim in self.records:
            return self.records[claim]
        made = self.has(claim, id="new", state=State.RESERVED, fingerprint=fingerprint, lease_until=1e12, created_at=0)
        return Reservation(made.id, 1, 1e12)

    async def reserve_again(self, exchange: Exchange, record: Record) -> Reservation | None:
        if self.faster:
            self.faster -= 1
            return None
        return Reservation(record.id, 2, 1e12)

    def stored_answer(self, record: Record) -> Response | None:
        answer = self.answers.get(record.id)
        if isinstance(answer, Unreadable):
            raise answer
        return answer

    async def find(self, id: str) -> Record | None:  # noqa: A002
        self.looks += 1
        [(claim, record)] = self.records.items()
        self.records[claim] = replace(record, **(self.then.popleft() if self.then else {}))
        return self.records[claim]

    async def find_claim(self, claim: bytes) -> Record | None:
        return self.records.get(claim)


@pytest.fixture
def book(record) -> Book:
    return Book(record)
