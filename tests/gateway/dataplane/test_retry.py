"""Retry: how often, how soon, how many at most; and that no fault makes an unsafe request arrive twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dataplane.retry import Retry, RetryBudget
from gateway.dataplane.upstream import Idempotent
from gateway.exchange import Delivery, Exchange
from tests.gateway.dataplane.harness import OK, Message, Peer, RawUpstream, gateway

# pure


@given(st.integers(1, 60), st.floats(0.001, 1), st.floats(0.001, 5))
def test_a_pause_grows_twofold_at_most_to_its_bound_and_is_drawn_from_zero_up(attempt, backoff, most) -> None:
    pause = Retry(backoff=backoff, backoff_most=most).pause(attempt)
    assert 0 <= pause <= min(most, backoff * 2 ** (attempt - 1))


def test_pauses_differ_so_that_clients_do_not_come_back_together() -> None:
    retry = Retry(backoff=1.0)
    assert len({retry.pause(1) for _ in range(10)}) > 1


def test_a_budget_starts_full_and_gives_no_more_than_it_has() -> None:
    budget = RetryBudget(0.2, reserve=3)
    assert [budget.withdraw() for _ in range(4)] == [True, True, True, False]


def test_requests_fill_a_budget_by_their_share_and_never_beyond_its_reserve() -> None:
    budget = RetryBudget(0.25, reserve=2)
    for _ in range(100):
        budget.deposit()
    assert [budget.withdraw() for _ in range(3)] == [True, True, False]
    for _ in range(4):
        budget.deposit()
    assert [budget.withdraw() for _ in range(2)] == [True, False]


@given(st.lists(st.sampled_from(["deposit", "withdraw"]), max_size=300), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_retries_never_exceed_the_reserve_and_the_share_of_requests(acts, share) -> None:
    budget = RetryBudget(share, reserve=5)
    requests = retries = 0
    for act in acts:
        if act == "deposit":
            budget.deposit()
            requests += 1
        else:
            retries += budget.withdraw()
        assert retries <= 5 + requests * share + 1e-6


# what arrives at the upstream, whatever goes wrong


def says(data: bytes, *, close: bool = False):
    async def fault(peer: Peer, head: bytes) -> None:
        await peer.body(head)
        await peer.send(data)
        if close:
            await peer.close()

    return fault


async def closes(peer: Peer, head: bytes) -> None:
    await peer.body(head)
    await peer.close()


async def resets(peer: Peer, head: bytes) -> None:
    await peer.body(head)
    peer.reset()


async def closes_unread(peer: Peer, _: bytes) -> None:
    await peer.close()


async def resets_unread(peer: Peer, _: bytes) -> None:
    peer.reset()


BUSY = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"
FAULTS = {
    "answers": says(OK),
    "declines": says(b"HTTP/1.1 402 Payment Required\r\ncontent-length: 0\r\n\r\n"),
    "is busy": says(BUSY),
    "is busy and breaks off": says(b"HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n", close=True),
    "limits": says(b"HTTP/1.1 429 Slow Down\r\ncontent-length: 0\r\n\r\n"),
    "closes": closes,
    "resets": resets,
    "closes within the request": closes_unread,
    "resets within the request": resets_unread,
    "garbles": says(b"\0\0\0\0\r\n\r\n"),
    "breaks off": says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel", close=True),
    "says more": says(OK + OK),
    "answers and closes": says(OK, close=True),
}


class Faulty(RawUpstream):
    """Goes through a script of faults, one a request, and counts what arrived of each."""

    def __init__(self, script: Sequence[str]) -> None:
        super().__init__()
        self.arrived: Counter[str] = Counter()
        self.will(*(self._counted(FAULTS[fault]) for fault in script), *[self._counted(FAULTS["answers"])] * 20)

    def _counted(self, fault):
        async def talk(peer: Peer) -> None:
            head = await peer.head()
            self.arrived[Message(head, b"").target] += 1
            await fault(peer, head)

        return talk


async def played(script: Sequence[str], methods: Sequence[str], retry: Retry, *, key: bytes = b"", **options):
    """How often each request arrived, and the exchanges, of requests sent one after another."""
    upstream = Faulty(script)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    upstream.port = server.sockets[0].getsockname()[1]
    async with server, gateway(upstream, retry=retry, **options) as running:
        ended = []
        for number, method in enumerate(methods):
            client = await running.connect()
            fields = b"host: shop\r\ncontent-length: 2\r\n" + key
            await client.send(b"%b /%d HTTP/1.1\r\n%b\r\n{}" % (method.encode(), number, fields))
            await client.head()
            ended.append(await running.exchange())
        await upstream.close()
    return [upstream.arrived[f"/{number}"] for number in range(len(methods))], ended


def truthful(exchange: Exchange) -> None:
    """What is said of an exchange follows from what became of its attempts."""
    kinds = [attempt.delivery for attempt in exchange.attempts]
    if exchange.delivery is Delivery.UNSENT:
        assert set(kinds) == {Delivery.UNSENT}
    if exchange.delivery is Delivery.ANSWERED:
        assert Delivery.ANSWERED in kinds
    if len(kinds) == 1:
        assert exchange.delivery is kinds[0]
    for attempt in exchange.attempts:
        assert attempt.ended >= attempt.started > 0
        assert attempt.delivery is not Delivery.ANSWERED or attempt.status is not None


faults = st.lists(st.sampled_from(sorted(FAULTS)), min_size=1, max_size=6)
requests = st.lists(st.sampled_from(["GET", "POST"]), min_size=1, max_size=3)
retries = st.builds(
    Retry,
    attempts=st.integers(1, 4),
    backoff=st.just(0.001),
    statuses=st.sampled_from([frozenset(), frozenset({503}), frozenset({429, 503})]),
    budget=st.just(1.0),
)
over_sockets = settings(max_examples=60, deadline=None)


@over_sockets
@given(faults, requests, retries)
async def test_an_unsafe_request_arrives_at_most_once_whatever_the_upstream_does(script, methods, retry) -> None:
    arrived, ended = await played(script, methods, retry)
    for method, times, exchange in zip(methods, arrived, ended, strict=True):
        assert times <= (1 if method == "POST" else retry.attempts + 1)
        truthful(exchange)


@over_sockets
@given(faults, requests, retries)
async def test_with_a_key_that_the_upstream_honours_it_arrives_as_often_as_retry_allows(script, methods, retry) -> None:
    key = b"idempotency-key: k-1\r\n"
    arrived, ended = await played(script, methods, retry, key=key, idempotent=Idempotent(60.0))
    for times, exchange in zip(arrived, ended, strict=True):
        assert times <= retry.attempts + 1  # one more where a kept connection was stale
        truthful(exchange)


@pytest.mark.parametrize("idempotent", [None, Idempotent(60.0), Idempotent(0.0)])
@pytest.mark.parametrize("fault", sorted(FAULTS))
async def test_no_fault_makes_an_unsafe_request_without_its_key_in_its_window_arrive_again(fault, idempotent) -> None:
    key = b"idempotency-key: k-1\r\n" if idempotent is None or idempotent.window == 0 else b""
    retry = Retry(attempts=3, backoff=0.001, statuses=frozenset({429, 503}))
    arrived, ended = await played([fault], ["POST"], retry, key=key, idempotent=idempotent)
    assert arrived == [1]
    assert len(ended[0].attempts) == 1


def test_no_share_is_no_retry_at_all():
    assert not RetryBudget(0).withdraw()
    assert RetryBudget(0.1).withdraw()
