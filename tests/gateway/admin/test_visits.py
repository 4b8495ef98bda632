"""Who uses the admin port is on the audit trail: each change, and who reads or is refused once in a while."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.admin.visits import MOST, READS, REFUSALS, Visits
from gateway.audit.protocol import Unkept
from gateway.testing import HandClock
from tests.gateway.admin.admins import ELSEWHERE, HERE, TOKENS, client, state


class Book(Unkept):
    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, Any]]] = []

    def add(self, action: str, /, **entry: Any) -> Any:
        self.entries.append((action, entry))
        return super().add(action, **entry)


@pytest.fixture
def book() -> Book:
    return Book()


async def test_each_change_and_the_first_read_of_each_who_may_has_an_entry(book) -> None:
    its = state(audit=book, tokens=TOKENS)
    async with client(its, ELSEWHERE, token=TOKENS.operate) as port:
        for _ in range(3):
            await port.get("/api/v1/policy")
        await port.post("/drain")
        await port.post("/api/v1/nothing")
        await port.get("/livez")
    async with client(its) as here:
        await here.get("/api/v1/jobs")

    token = {"principal": "token operate", "ip": ELSEWHERE, "detail": {}}
    assert book.entries == [
        ("admin.read", {"subject": "GET /api/v1/policy", "outcome": "200", **token}),
        ("admin.change", {"subject": "POST /drain", "outcome": "202", **token}),
        ("admin.change", {"subject": "POST /api/v1/nothing", "outcome": "404", **token}),
        (
            "admin.read",
            {"subject": "GET /api/v1/jobs", "outcome": "200", "principal": "loopback", "ip": HERE, "detail": {}},
        ),
    ]


async def test_a_stranger_is_on_it_once_a_minute_with_how_often_before(book) -> None:
    clock = HandClock()
    visits = Visits(book, clock.monotonic)
    knock = {"type": "http", "method": "GET", "path": "/api/v1/payments", "client": (ELSEWHERE, 1)}
    for _ in range(5):
        visits.refused(knock, 401)
    visits.refused(knock, 403)
    clock.advance(REFUSALS)
    visits.refused(knock, 401)

    said = [(entry["outcome"], entry["principal"], entry["detail"]) for _, entry in book.entries]
    assert said == [("401", None, {}), ("403", None, {}), ("401", None, {"before": 4})]
    assert {action for action, _ in book.entries} == {"admin.refused"}


async def test_who_is_refused_over_the_port_is_on_it(book) -> None:
    async with client(state(audit=book, tokens=TOKENS), ELSEWHERE, token=TOKENS.read) as port:
        assert (await port.post("/drain")).status_code == 403
    assert [(action, entry["subject"]) for action, entry in book.entries] == [("admin.refused", "POST /drain")]


async def test_reads_are_counted_again_after_a_while_and_visitors_are_bounded(book) -> None:
    clock = HandClock()
    visits = Visits(book, clock.monotonic)

    async def read(peer: str) -> None:
        async def send(_: Any) -> None: ...

        scope = {"method": "GET", "path": "/", "client": (peer, 1), "payguard.via": "loopback"}
        sending = visits.watched(scope, send)
        await sending({"type": "http.response.start", "status": 200})
        await sending({"type": "http.response.body"})

    await read("a")
    await read("a")
    clock.advance(READS)
    await read("a")
    assert [entry["detail"] for _, entry in book.entries] == [{}, {"before": 1}]
    for number in range(MOST):
        await read(f"peer {number}")
    assert len(visits._seen) <= MOST
