"""The upstream: when it sends again, what it asks its guards, how it writes a request's head."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest
from starlette.datastructures import MutableHeaders as Headers

from gateway.body import Body
from gateway.dataplane.pool import Address, Pool, PoolOptions
from gateway.dataplane.retry import Retry, RetryBudget
from gateway.dataplane.upstream import Idempotent, Timeouts, Upstream
from gateway.errors import FirstByteTimeout, Rejected, UpstreamBroken, UpstreamUnreachable
from gateway.exchange import Delivery, Exchange
from gateway.messages import Response
from gateway.parts import Config, Guard
from gateway.testing import exchange as made_exchange
from gateway.testing import scope, streaming
from tests.gateway.dataplane.harness import (
    OK,
    PATIENT,
    Peer,
    RawUpstream,
    answering,
    filter_of,
    gateway,
    raw_upstream,
    reads_and_closes,
    reads_and_resets,
    until,
)
from tests.gateway.dataplane.test_pool import behind, unused_port

UNSENT, UNKNOWN, ANSWERED = Delivery.UNSENT, Delivery.UNKNOWN, Delivery.ANSWERED
EVIL = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"
BUSY = b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy"
BUSY_STREAMING = b"HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n2\r\nbu\r\n"
never = asyncio.Event
GET = b"GET /a HTTP/1.1\r\nhost: shop\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nhost: shop\r\ncontent-length: 2\r\n\r\n{}"
HASTY = Timeouts(first_byte=0.05, idle=PATIENT, total=PATIENT)


def upstream_to(port: int, *, timeouts: Timeouts | None = None, attempts: int = 1, **options) -> Upstream:
    retry = options.pop("retry", None) or Retry(attempts=attempts, backoff=0.001, statuses=frozenset({503}))
    pool = Pool(Address("http", "127.0.0.1", port), PoolOptions(connect=PATIENT, wait=PATIENT))
    patient = Timeouts(first_byte=PATIENT, idle=PATIENT, total=PATIENT)
    return Upstream("backend", pool, timeouts or patient, retry, **options)


def ask(method: str = "POST", *, key: str | None = None, body: Body | bytes = b"{}", **headers: str) -> Exchange:
    fields = {"host": "shop", **headers} | ({"idempotency-key": key} if key is not None else {})
    return made_exchange(method, "/a", headers=fields, body=body if method == "POST" else b"")


def attempts(exchange: Exchange) -> list[tuple[Delivery, int | None, str | None]]:
    return [(attempt.delivery, attempt.status, attempt.error) for attempt in exchange.attempts]


async def text(response: Response) -> bytes:
    return await response.body.buffer(1 << 20)


async def closed(upstream: Upstream) -> None:
    await upstream.pool.close()
    await until(lambda: upstream.pool.stats()["open"] == 0)


# a kept connection that was stale


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("talk", [reads_and_closes, reads_and_resets])
async def test_a_safe_request_on_a_stale_connection_goes_again_on_a_fresh_one(method, talk) -> None:
    data = b"%b /a HTTP/1.1\r\nhost: shop\r\n\r\n" % method.encode()
    async with raw_upstream(OK, talk) as upstream, gateway(upstream) as running:
        await running.ask(GET)
        await running.exchange()
        assert (await running.ask(data, to=method)).status == 200
        ended = await running.exchange()
        assert attempts(ended)[0] == (UNKNOWN, None, "upstream_broken")
        assert ended.attempts[1].delivery is ANSWERED
        assert [attempt.reused for attempt in ended.attempts] == [True, False]
        assert len(upstream.requests) == 3


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("talk", [reads_and_closes, reads_and_resets])
async def test_an_unsafe_request_on_a_stale_connection_does_not(method, talk) -> None:
    data = b"%b /a HTTP/1.1\r\nhost: shop\r\ncontent-length: 2\r\n\r\n{}" % method.encode()
    async with raw_upstream(OK, talk) as upstream, gateway(upstream, retry=Retry(attempts=3)) as running:
        await running.ask(GET)
        await running.exchange()
        assert (await running.ask(data)).status == 502
        ended = await running.exchange()
        assert (ended.delivery, attempts(ended)) == (UNKNOWN, [(UNKNOWN, None, "upstream_broken")])
        assert len(upstream.requests) == 2


async def test_a_connection_that_was_closed_meanwhile_costs_an_unsafe_request_nothing() -> None:
    """Nothing of it was sent: it goes on a fresh one."""
    async with raw_upstream() as upstream, gateway(upstream) as running:
        await running.ask(GET)
        await running.exchange()
        await upstream.peers[0].close()
        assert (await running.ask(POST)).status == 200
        assert attempts(await running.exchange()) == [(ANSWERED, 200, None)]
        assert len(upstream.requests) == 2


async def test_one_that_closes_in_the_very_instant_costs_it_nothing_either() -> None:
    async with raw_upstream() as raw:
        upstream = upstream_to(raw.port)
        await text(await upstream.dispatch(ask("GET")))
        with behind(raw.peers[0]) as sock:
            sock.shutdown(2)  # and no turn of the loop before the payment
        paying = ask("POST")
        assert await text(await upstream.dispatch(paying)) == b"ok"
        assert attempts(paying) == [(ANSWERED, 200, None)]
        await closed(upstream)


@pytest.mark.parametrize("act", [lambda sock: sock.send(EVIL), lambda sock: sock.shutdown(2)], ids=["speaks", "ends"])
async def test_what_happens_between_the_choice_of_a_connection_and_the_write_is_no_answer(act) -> None:
    """Nothing of the request was sent, so that a payment goes on a fresh one as well."""
    async with raw_upstream() as raw:
        upstream = upstream_to(raw.port)
        await text(await upstream.dispatch(ask("GET")))
        paying = ask("POST")
        sending = asyncio.create_task(upstream.dispatch(paying))
        await asyncio.sleep(0)  # it has a connection, and is written at the end of this turn
        assert paying.delivery is UNKNOWN
        with behind(raw.peers[0]) as sock:
            act(sock)
        assert await text(await sending) == b"ok"
        assert attempts(paying) == [(UNSENT, None, "upstream_broken"), (ANSWERED, 200, None)]
        assert len(raw.requests) == 2
        await closed(upstream)


async def test_a_stale_connection_costs_no_retry_budget() -> None:
    async with raw_upstream(OK, reads_and_closes) as raw:
        upstream = upstream_to(raw.port, budget=RetryBudget(0.0, reserve=0.0))
        await text(await upstream.dispatch(ask("GET")))
        assert (await upstream.dispatch(ask("GET"))).status == 200


async def test_a_fresh_connection_that_dies_is_not_stale() -> None:
    async with raw_upstream(reads_and_closes) as upstream, gateway(upstream) as running:
        assert (await running.ask(GET)).status == 502
        assert len(upstream.requests) == 1


# retry


async def test_a_request_that_never_left_is_sent_again_whatever_it_is() -> None:
    upstream = upstream_to(port := unused_port(), attempts=3)
    paying = ask("POST")
    with pytest.raises(UpstreamUnreachable):
        await upstream.dispatch(paying)
    assert (paying.delivery, attempts(paying)) == (UNSENT, [(UNSENT, None, "upstream_unreachable")] * 3)
    raw = RawUpstream()
    async with await asyncio.start_server(raw.serve, "127.0.0.1", port):
        assert await text(await upstream.dispatch(ask("POST"))) == b"ok"
        await closed(upstream)


async def test_a_streaming_body_that_was_not_begun_can_be_sent_again() -> None:
    upstream = upstream_to(unused_port(), attempts=2)
    uploading = ask("POST", body=streaming(b"one"))
    with pytest.raises(UpstreamUnreachable):
        await upstream.dispatch(uploading)
    assert len(uploading.attempts) == 2


@pytest.mark.parametrize("busy", [BUSY, BUSY_STREAMING])
async def test_an_answer_that_is_to_be_retried_is(busy) -> None:
    async with raw_upstream(busy, busy) as raw:
        upstream = upstream_to(raw.port, attempts=3)
        asking = ask("GET")
        assert await text(await upstream.dispatch(asking)) == b"ok"
        assert [attempt.status for attempt in asking.attempts] == [503, 503, 200]
        assert len(raw.requests) == 3
        await closed(upstream)


async def test_the_last_answer_is_passed_on_even_if_it_was_to_be_retried() -> None:
    async with raw_upstream(otherwise=BUSY) as raw:
        upstream = upstream_to(raw.port, attempts=2)
        response = await upstream.dispatch(asking := ask("GET"))
        assert (response.status, await text(response)) == (503, b"busy")
        assert (asking.delivery, len(asking.attempts)) == (ANSWERED, 2)
        await closed(upstream)


async def test_an_unsafe_request_is_not_sent_again_after_an_answer() -> None:
    async with raw_upstream(otherwise=BUSY) as raw:
        upstream = upstream_to(raw.port, attempts=3)
        response = await upstream.dispatch(paying := ask("POST"))
        assert (response.status, attempts(paying)) == (503, [(ANSWERED, 503, None)])
        assert len(raw.requests) == 1
        await closed(upstream)


async def test_a_body_that_streamed_is_not_sent_again() -> None:
    async with raw_upstream(reads_and_closes) as raw:
        upstream = upstream_to(raw.port, attempts=3, idempotent=Idempotent(60))
        with pytest.raises(UpstreamBroken):
            await upstream.dispatch(ask("POST", key="k", body=streaming(b"one")))
        assert len(raw.requests) == 1
        await closed(upstream)


async def test_all_attempts_share_one_deadline() -> None:
    timeouts = Timeouts(first_byte=PATIENT, idle=PATIENT, total=0.15)
    async with raw_upstream(otherwise=BUSY) as raw:
        upstream = upstream_to(raw.port, timeouts=timeouts, retry=Retry(100, 1.0, 1.0, frozenset({503}), 1.0))
        began = monotonic()
        response = await upstream.dispatch(asking := ask("GET"))
        assert response.status == 503
        assert len(asking.attempts) < 100
        assert all(attempt.ended < began + 1 for attempt in asking.attempts)
        await closed(upstream)


async def test_where_no_time_is_left_what_came_of_it_is_told_and_not_that_it_is_late() -> None:
    upstream = upstream_to(
        unused_port(), timeouts=Timeouts(first_byte=1, idle=1, total=0.001), retry=Retry(5, 50.0, 100.0)
    )
    with pytest.raises(UpstreamUnreachable):
        await upstream.dispatch(asking := ask("POST"))
    assert asking.delivery is UNSENT


async def test_a_budget_that_is_spent_ends_all_retries() -> None:
    async with raw_upstream(otherwise=BUSY) as raw:
        upstream = upstream_to(raw.port, attempts=3, budget=RetryBudget(0.0, reserve=3))
        for _ in range(5):
            await text(await upstream.dispatch(ask("GET")))
        assert len(raw.requests) == 5 + 3
        await closed(upstream)


# idempotent


async def test_an_upstream_that_honours_a_key_gets_the_same_bytes_again() -> None:
    async with raw_upstream(reads_and_closes, BUSY) as raw:
        upstream = upstream_to(raw.port, attempts=3, idempotent=Idempotent(60, "x-key"))
        paying = ask("POST", **{"x-key": "k-1"})
        assert await text(await upstream.dispatch(paying)) == b"ok"
        assert (paying.delivery, len(paying.attempts)) == (ANSWERED, 3)
        assert len(set(raw.requests)) == 1
        assert len(raw.requests) == 3
        await closed(upstream)


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": ""}, {"x-key": "k"}])
async def test_without_the_key_it_gets_nothing_again(headers) -> None:
    async with raw_upstream(reads_and_closes) as raw:
        upstream = upstream_to(raw.port, attempts=3, idempotent=Idempotent(60))
        with pytest.raises(UpstreamBroken):
            await upstream.dispatch(paying := ask("POST", **headers))
        assert (paying.delivery, len(raw.requests)) == (UNKNOWN, 1)
        await closed(upstream)


async def test_two_keys_are_none() -> None:
    async with raw_upstream(reads_and_closes) as raw:
        upstream = upstream_to(raw.port, attempts=3, idempotent=Idempotent(60))
        paying = ask("POST", key="k-1")
        paying.request.headers.append("idempotency-key", "k-2")
        with pytest.raises(UpstreamBroken):
            await upstream.dispatch(paying)
        assert len(raw.requests) == 1
        await closed(upstream)


async def test_after_its_window_it_gets_nothing_again() -> None:
    async with raw_upstream(answering(never())) as raw:
        upstream = upstream_to(raw.port, attempts=3, timeouts=HASTY, idempotent=Idempotent(0.05))
        with pytest.raises(FirstByteTimeout):
            await upstream.dispatch(paying := ask("POST", key="k"))
        assert (paying.delivery, len(raw.peers)) == (UNKNOWN, 1)
        await closed(upstream)


async def test_a_window_that_passes_while_a_connection_is_waited_for_is_over() -> None:
    async with raw_upstream(answering(never())) as raw:
        upstream = upstream_to(raw.port, attempts=2, timeouts=HASTY, idempotent=Idempotent(0.3))
        upstream.pool.options = PoolOptions(connections=1, connect=PATIENT, wait=PATIENT)
        paying = ask("POST", key="k")
        dispatching = asyncio.create_task(upstream.dispatch(paying))
        await raw.connected()
        held = await upstream.pool.acquire(monotonic() + PATIENT)  # the room of the first attempt, once that is over
        await until(lambda: upstream.pool.stats()["waiting"] == 1)
        started = paying.attempts[0].started
        await until(lambda: monotonic() > started + 0.3)
        upstream.pool.release(held)
        with pytest.raises(FirstByteTimeout):
            await dispatching
        assert (paying.delivery, attempts(paying)) == (
            UNKNOWN,
            [(UNKNOWN, None, "upstream_first_byte_timeout"), (UNSENT, None, "too_late_to_send")],
        )
        assert raw.requests == []
        await closed(upstream)


async def test_a_conclusive_answer_to_the_same_key_settles_the_attempt_before_it() -> None:
    async with raw_upstream(reads_and_closes) as raw:
        upstream = upstream_to(raw.port, attempts=2, idempotent=Idempotent(60))
        await text(await upstream.dispatch(paying := ask("POST", key="k")))
        assert (paying.delivery, [a.delivery for a in paying.attempts]) == (ANSWERED, [UNKNOWN, ANSWERED])
        await closed(upstream)


@pytest.mark.parametrize("status", [401, 403, 409, 429, 500])
async def test_an_inconclusive_one_does_not(status) -> None:
    inconclusive = b"HTTP/1.1 %d No\r\ncontent-length: 0\r\n\r\n" % status
    async with raw_upstream(reads_and_closes, inconclusive) as raw:
        upstream = upstream_to(raw.port, attempts=2, idempotent=Idempotent(60))
        await text(await upstream.dispatch(paying := ask("POST", key="k")))
        assert (paying.delivery, [a.delivery for a in paying.attempts]) == (UNKNOWN, [UNKNOWN, ANSWERED])
        await closed(upstream)


# a later attempt that was never sent does not hide what came of an earlier one


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (reads_and_closes, UpstreamBroken),
        (answering(never()), FirstByteTimeout),
        (answering(BUSY_STREAMING), UpstreamBroken),
    ],
)
async def test_what_was_sent_and_is_in_doubt_is_never_told_to_be_unreachable(first, told) -> None:
    async def last(peer: Peer) -> None:
        server.close()
        await first(peer)

    raw = RawUpstream()
    raw.will(last)
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    upstream = upstream_to(port, attempts=3, timeouts=HASTY, idempotent=Idempotent(60))
    with pytest.raises(told):
        await upstream.dispatch(paying := ask("POST", key="k"))
    assert paying.delivery is UNKNOWN
    assert [attempt.delivery for attempt in paying.attempts][-1] is UNSENT
    await raw.close()
    await closed(upstream)


async def test_an_answer_that_could_not_be_bettered_is_the_answer() -> None:
    raw = RawUpstream(otherwise=BUSY)
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0)

    async def last(peer: Peer) -> None:
        server.close()
        await answering(BUSY)(peer)
        await peer.close()

    raw.will(last)
    upstream = upstream_to(server.sockets[0].getsockname()[1], retry=Retry(3, 0.1, 0.1, frozenset({503})))
    response = await upstream.dispatch(asking := ask("GET"))
    assert (response.status, await text(response)) == (503, b"busy")
    assert asking.delivery is ANSWERED
    await raw.close()
    await closed(upstream)


# guards


class Turnstile(Guard[Config]):
    """Counts, and refuses with what it was given from the ``refusing``th admission on."""

    name = "turnstile"

    def __init__(self, *, refusing: int = 1 << 30, error: Exception | None = None, awaited: bool = False) -> None:
        super().__init__(Config(), scope())
        self.error = error
        self.refusing = refusing
        self.awaited = awaited
        self.admitted = 0
        self.settled: list[tuple[object, Delivery | None]] = []

    def admit(self, exchange):
        return self._later() if self.awaited else self._now()

    async def _later(self):
        await asyncio.sleep(0)
        return self._now()

    def _now(self) -> int:
        if self.admitted + 1 >= self.refusing and self.error is not None:
            raise self.error
        self.admitted += 1
        return self.admitted

    def settle(self, exchange, attempt, admitted) -> None:
        self.settled.append((admitted, attempt and attempt.delivery))


def guarded(*guards: Guard) -> list[tuple[Guard, str]]:
    return [(guard, "enforce") for guard in guards]


@pytest.mark.parametrize("awaited", [False, True])
async def test_each_attempt_is_admitted_and_settled_once_with_its_own_ticket(awaited) -> None:
    guard = Turnstile(awaited=awaited)
    async with raw_upstream(reads_and_closes, BUSY) as raw:
        upstream = upstream_to(raw.port, attempts=3, guards=guarded(guard))
        await text(await upstream.dispatch(ask("GET")))
        assert (guard.admitted, guard.settled) == (3, [(1, UNKNOWN), (2, ANSWERED), (3, ANSWERED)])
        await closed(upstream)


async def test_an_attempt_that_streams_is_settled_at_its_end_and_once() -> None:
    gate, guard = asyncio.Event(), Turnstile()
    streamed = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel", gate, b"lo")
    async with raw_upstream(streamed) as raw:
        upstream = upstream_to(raw.port, guards=guarded(guard))
        response = await upstream.dispatch(asking := ask("GET"))
        assert guard.settled == []
        gate.set()
        assert await text(response) == b"hello"
        asking.abandon()
        assert guard.settled == [(1, ANSWERED)]
        await closed(upstream)


async def test_an_attempt_that_is_abandoned_is_settled_once() -> None:
    guard = Turnstile()
    async with raw_upstream(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel", never())) as raw:
        upstream = upstream_to(raw.port, guards=guarded(guard))
        response = await upstream.dispatch(asking := ask("GET"))
        chunks = response.body.chunks()
        assert await anext(chunks) == b"hel"
        asking.abandon()
        asking.abandon()
        await chunks.aclose()
        assert guard.settled == [(1, UNKNOWN)]
        await closed(upstream)


async def test_an_attempt_that_is_cancelled_while_it_waits_is_settled_as_unsent() -> None:
    guard = Turnstile()
    async with raw_upstream() as raw:
        upstream = upstream_to(raw.port, guards=guarded(guard))
        upstream.pool.options = PoolOptions(connections=1, wait=PATIENT)
        held = await upstream.pool.acquire(monotonic() + PATIENT)
        dispatching = asyncio.create_task(upstream.dispatch(asking := ask("POST")))
        await until(lambda: upstream.pool.stats()["waiting"] == 1)
        dispatching.cancel()
        await asyncio.wait([dispatching])
        assert (asking.delivery, guard.settled) == (UNSENT, [(1, UNSENT)])
        upstream.pool.release(held)
        assert upstream.pool.stats()["idle"] == 1
        await closed(upstream)


async def test_a_guard_that_refuses_has_those_before_it_settled_and_nothing_sent() -> None:
    first, second, third = Turnstile(), Turnstile(refusing=1, error=Rejected("Enough")), Turnstile()
    async with raw_upstream() as raw:
        upstream = upstream_to(raw.port, attempts=3, guards=guarded(first, second, third))
        with pytest.raises(Rejected):
            await upstream.dispatch(asking := ask("GET"))
        assert (first.settled, second.settled, third.settled) == ([(1, None)], [], [])
        assert third.admitted == 0
        assert (asking.attempts, asking.delivery) == ([], UNSENT)
        assert [(step.filter, step.decision, step.code) for step in asking.steps] == [
            ("turnstile", "refused", "rejected")
        ]
        assert raw.peers == []


async def test_a_guard_that_refuses_a_second_attempt_does_not_hide_what_came_of_the_first() -> None:
    guard = Turnstile(refusing=2, error=UpstreamUnreachable("The circuit is open"))
    async with raw_upstream(reads_and_closes) as raw:
        upstream = upstream_to(raw.port, attempts=5, guards=guarded(guard), idempotent=Idempotent(60))
        with pytest.raises(UpstreamBroken):
            await upstream.dispatch(paying := ask("POST", key="k"))
        assert (paying.delivery, len(paying.attempts)) == (UNKNOWN, 1)
        assert len(paying.steps) == 1
        await closed(upstream)


async def test_a_guard_that_is_cancelled_has_those_before_it_settled() -> None:
    entered = asyncio.Event()

    class Slow(Turnstile):
        async def admit(self, exchange):
            entered.set()
            await never().wait()

    first = Turnstile()
    upstream = upstream_to(1, guards=guarded(first, Slow()))
    dispatching = asyncio.create_task(upstream.dispatch(ask("POST")))
    await entered.wait()
    dispatching.cancel()
    await asyncio.wait([dispatching])
    assert first.settled == [(1, None)]


async def test_a_guard_that_fails_is_a_bug_and_has_those_before_it_settled() -> None:
    first = Turnstile()
    upstream = upstream_to(1, guards=guarded(first, Turnstile(refusing=1, error=RuntimeError("a bug"))))
    with pytest.raises(RuntimeError):
        await upstream.dispatch(ask("POST"))
    assert first.settled == [(1, None)]


@pytest.mark.parametrize(
    ("error", "decision", "code"),
    [(Rejected("Enough"), "would_refuse", "rejected"), (RuntimeError("a bug"), "would_fail", "RuntimeError")],
)
async def test_a_guard_in_shadow_refuses_nothing_and_says_what_it_would_have_done(error, decision, code) -> None:
    shadowed, admitting = Turnstile(refusing=1, error=error), Turnstile()
    async with raw_upstream() as raw:
        upstream = upstream_to(raw.port, guards=[(shadowed, "shadow"), (admitting, "shadow")])
        assert await text(await upstream.dispatch(asking := ask("POST"))) == b"ok"
        assert [(step.mode, step.decision, step.code) for step in asking.steps] == [("shadow", decision, code)]
        assert (shadowed.settled, admitting.settled) == ([], [(1, ANSWERED)])
        await closed(upstream)


async def test_a_guard_in_shadow_that_takes_its_time_delays_nobody() -> None:
    class Never(Turnstile):
        async def _later(self):
            await never().wait()

    patient, never_decided = Turnstile(awaited=True), Never(awaited=True)
    async with raw_upstream() as raw:
        upstream = upstream_to(raw.port, guards=[(never_decided, "shadow"), (patient, "shadow")])
        async with asyncio.timeout(PATIENT):
            assert await text(await upstream.dispatch(asking := ask("POST"))) == b"ok"
        assert [(step.mode, step.decision) for step in asking.steps] == [("shadow", "would_wait")]
        assert (never_decided.settled, patient.settled) == ([], [(1, ANSWERED)])
        await closed(upstream)


async def test_an_attempt_says_when_it_was_sent_and_when_its_answer_began() -> None:
    held = asyncio.Event()
    async with raw_upstream(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no", held, b"k")) as raw:
        upstream = upstream_to(raw.port)
        streaming_answer = await upstream.dispatch(asking := ask("GET"))
        [attempt] = asking.attempts
        assert 0 < attempt.started <= attempt.sent <= attempt.answered
        assert attempt.ended == 0
        held.set()
        assert await text(streaming_answer) == b"ok"
        assert attempt.answered <= attempt.ended
        await closed(upstream)
    upstream = upstream_to(unused_port())
    with pytest.raises(UpstreamUnreachable):
        await upstream.dispatch(asking := ask("GET"))
    assert (asking.attempts[0].sent, asking.attempts[0].answered) == (0, 0)


async def test_a_guard_that_fails_to_settle_fails_nothing_else(caplog) -> None:
    class Clumsy(Turnstile):
        def settle(self, exchange, attempt, admitted) -> None:
            raise RuntimeError("a bug")

    other = Turnstile()
    async with raw_upstream() as raw:
        upstream = upstream_to(raw.port, guards=guarded(Clumsy(), other))
        assert await text(await upstream.dispatch(ask("POST"))) == b"ok"
        assert other.settled == [(1, ANSWERED)]
        await closed(upstream)
    assert "failed to settle" in caplog.text


# the head


async def test_the_clients_host_is_preserved_or_rewritten() -> None:
    async with raw_upstream() as raw:
        for host, expected in ((None, "shop"), ("backend:9000", "backend:9000")):
            upstream = upstream_to(raw.port, host=host)
            await text(await upstream.dispatch(ask("POST")))
            assert raw.requests[-1].all("host") == [expected]
            await closed(upstream)


@pytest.mark.parametrize(
    ("method", "body", "framing"),
    [
        ("GET", b"", {}),
        ("HEAD", b"", {}),
        ("DELETE", b"", {}),
        ("POST", b"", {"content-length": "0"}),
        ("PUT", b"", {"content-length": "0"}),
        ("GET", b"{}", {"content-length": "2"}),
        ("POST", b"{}", {"content-length": "2"}),
        ("POST", streaming(b"{}"), {"transfer-encoding": "chunked"}),
        ("POST", streaming(b"{}", length=2), {"content-length": "2"}),
    ],
)
def test_a_request_says_how_long_it_is_once(method, body, framing) -> None:
    asking = made_exchange(method, "/a", headers={"host": "shop", "x-a": "b"}, body=body)
    written = upstream_to(1).head(asking, asking.request.body.length)
    fields = [line.split(b": ") for line in written.split(b"\r\n")[1:-2]]
    assert {n.decode(): v.decode() for n, v in fields} == {"host": "shop", "x-a": "b", **framing}
    assert len(fields) == 2 + len(framing)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("body", [b"", b"{}", streaming(b"{}"), streaming(b"{}", length=2)])
@pytest.mark.parametrize("noted", [{"content-length": "999"}, {"transfer-encoding": "chunked"}])
def test_a_length_that_a_filter_says_beside_it_is_never_sent(method, body, noted) -> None:
    asking = made_exchange(method, "/a", headers={"host": "shop", **noted}, body=body)
    with pytest.raises(ValueError, match="A filter has set"):
        upstream_to(1).head(asking, asking.request.body.length)


@pytest.mark.parametrize("path", ["/a b", "/a HTTP/1.1", "/a\r\nx-evil: 1", "/a\0", "/é"])
def test_a_path_that_a_filter_made_up_becomes_no_other_line(path) -> None:
    asking = made_exchange("GET", "/a", headers={"host": "shop"})
    asking.request.path = path
    with pytest.raises(ValueError, match=r"space|ascii"):
        upstream_to(1).head(asking, 0)


@pytest.mark.parametrize(
    "field",
    [
        ("x-a", "b\r\nx-evil: 1"),
        ("x-a", "b\nx-evil: 1"),
        ("x-a", "b\rx-evil: 1"),
        ("x-a", "b\0"),
        ("x-a\r\nx-evil", "1"),
        ("x-a: b\r\nx-evil", "1"),
    ],
)
async def test_a_header_that_would_break_its_line_is_never_sent(field, caplog) -> None:
    async def inject(exchange: Exchange) -> None:
        if exchange.request.method == "POST":
            exchange.request.headers.append(*field)

    async with raw_upstream() as upstream, gateway(upstream, filters=[filter_of(on_request=inject)]) as running:
        await running.ask(GET)
        await running.exchange()
        assert (await running.ask(POST)).status == 500
        ended = await running.exchange()
        assert (ended.delivery, ended.attempts[0].delivery) == (UNSENT, UNSENT)
        assert (await running.ask(GET)).status == 200
        assert len(upstream.requests) == 2
        assert len(upstream.peers) == 1
    assert "line break" in caplog.text


@pytest.mark.parametrize("path", ["/a b\r\nx-evil: 1", "/a\nb", "/\u00e9"])
def test_a_path_that_would_break_its_line_is_never_sent(path) -> None:
    asking = ask("POST")
    asking.request.path = path
    with pytest.raises(ValueError, match=r"line break|ascii"):
        upstream_to(1).head(asking, 0)


@pytest.mark.parametrize(("query", "sent"), [("", "/a"), ("b=%2F&b=c", "/a?b=%2F&b=c")])
async def test_the_target_is_sent_byte_for_byte(query, sent) -> None:
    async with raw_upstream() as raw:
        upstream = upstream_to(raw.port)
        asking = made_exchange("GET", "/a", query=query, headers=Headers({"host": "shop"}))
        await text(await upstream.dispatch(asking))
        assert raw.requests[0].target == sent
        await closed(upstream)


async def test_an_empty_query_stays() -> None:
    async with raw_upstream() as upstream, gateway(upstream) as running:
        await running.ask(b"GET /a? HTTP/1.1\r\nhost: shop\r\n\r\n")
        assert (await upstream.asked()).target == "/a?"
