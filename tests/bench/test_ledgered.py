import asyncio
import os
from urllib.parse import urlsplit

from bench.ledgered import Ledgered
from bench.peers import Command
from gateway.testing import serve


class Metrics:
    """An application that tells of so many commits."""

    commits = 0

    async def __call__(self, scope, receive, send) -> None:
        text = f"payguard_ledger_commits_total {self.commits}\npayguard_ledger_statements_total {self.commits * 20}\n"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})


async def test_a_ledger_is_asked_twice_for_what_came_between() -> None:
    async with serve(metrics := Metrics()) as url:
        command = Command([], admin=urlsplit(url).port, server=os.getpid())
        metrics.commits = 3
        before = await asyncio.to_thread(Ledgered.of, command)
        metrics.commits = 10
        assert before is not None
        since = await asyncio.to_thread(before.since, command)

    assert since is not None
    assert (since.commits, since.statements) == (7, 140)
    assert before.server is not None
    assert before.server > 0 <= (since.server or 0)


def test_what_is_no_payguard_has_none() -> None:
    assert Ledgered.of(Command([])) is None
