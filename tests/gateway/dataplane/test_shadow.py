from __future__ import annotations

import asyncio

import pytest

from gateway.dataplane.chain import Chain
from gateway.dataplane.shadow import Undecided
from gateway.errors import DependencyDown, Rejected
from gateway.exchange import Attempt, Delivery, Exchange, Reads
from gateway.facts import Principal
from gateway.messages import Response
from gateway.parts import Config, Guard
from gateway.testing import exchange, scope, streaming
from tests.gateway.dataplane.harness import OK, filter_of, gateway, raw_upstream

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class Upstream:
    """Remembers what was sent to it, and answers."""

    def __init__(self, answer: Response | None = None) -> None:
        self.sent: list[tuple[str, dict[str, str], bytes | None]] = []
        self._answer = answer or Response(200, body=b'{"paid":true}')

    async def dispatch(self, exchange: Exchange) -> Response:
        for call in exchange.take_before_send():
            await call()
        request = exchange.request
        self.sent.append((request.path, dict(request.headers), request.body.data))
        exchange.delivery = Delivery.ANSWERED
        return self._answer


async def shadowed(
    made: Exchange, upstream: Upstream | None = None, *, within: float = 5.0, buffer: int = 1 << 20, **members
) -> Exchange:
    """Run an exchange through a chain with one filter in shadow, to the end of both."""
    chain = Chain(
        [(filter_of("dark", **members), "shadow")], upstream or Upstream(), buffer=buffer, shadow_timeout=within
    )
    await chain(made)
    for call in made.take_at_end():
        await call()
    return made


async def meddle(made: Exchange) -> None:
    made.put(Principal("shadow"))
    made.request.headers["x-shadow"] = "1"
    made.request.path = "/shadow"
    made.request.edit("/amount", 1)
    made.params = {"id": "shadow"}
    made.operation = "shadow"
    made.delivery = Delivery.UNKNOWN
    made.before_send(fail)
    made.at_end(fail)
    made.note("seen", amount=made.request.json()["amount"])


async def meddle_up(made: Exchange) -> None:
    made.answer.headers["x-shadow"] = "1"
    made.answer.status = 500
    made.answer.edit("/paid", False)
    made.response = Response(418)
    made.error = Rejected()


async def fail() -> None:
    raise AssertionError("nothing that a shadow asks for is done")


async def test_nothing_that_a_shadow_does_reaches_the_exchange():
    upstream, made = Upstream(), exchange(json={"amount": 100})
    await shadowed(made, upstream, on_request=meddle, on_response=meddle_up, reads=Reads.REQUEST | Reads.RESPONSE)
    assert upstream.sent == [("/v1/payments", {"content-type": "application/json"}, b'{"amount":100}')]
    assert (made.answer.status, dict(made.answer.headers), made.answer.body.data) == (200, {}, b'{"paid":true}')
    assert made.get(Principal) is None
    assert (made.params, made.operation, made.error, made.delivery) == ({}, None, None, Delivery.ANSWERED)
    assert made.request.json() == {"amount": 100}


async def test_its_decision_and_its_notes_are_recorded():
    made = await shadowed(exchange(json={"amount": 100}), on_request=meddle, reads=Reads.REQUEST)
    assert [(step.filter, step.mode, step.decision) for step in made.steps] == [("dark", "shadow", "would_pass")]
    assert [(note.filter, note.code, note.detail) for note in made.notes] == [("dark", "seen", {"amount": 1})]


def doing(what):
    async def do(made: Exchange):
        if isinstance(what, Exception):
            raise what
        return what

    return do


@pytest.mark.parametrize(
    ("what", "decision", "code"),
    [
        (None, "would_pass", None),
        (Response(201), "would_answer", None),
        (Rejected(), "would_refuse", "rejected"),
        (DependencyDown(), "would_fail", "dependency_down"),
        (KeyError("a"), "would_fail", "KeyError"),
    ],
)
async def test_what_it_would_have_done_is_told(what, decision, code):
    made = await shadowed(exchange(), on_request=doing(what))
    assert [(step.decision, step.code) for step in made.steps] == [(decision, code)]
    assert made.answer.status == 200
    assert made.error is None


async def test_what_it_would_have_done_to_the_answer_is_told():
    made = await shadowed(exchange(), on_response=doing(Rejected()))
    assert [(step.decision, step.code) for step in made.steps] == [("would_refuse", "rejected")]
    assert made.answer.status == 200


async def test_one_that_takes_too_long_is_given_up():
    async def forever(made: Exchange) -> None:
        await asyncio.Event().wait()

    made = await shadowed(exchange(), within=0.01, on_request=forever)
    assert [(step.decision, step.code) for step in made.steps] == [("would_fail", "shadow_timeout")]


async def test_it_sees_the_answer_and_the_error_of_the_exchange():
    seen = []

    async def see(made: Exchange) -> None:
        seen.append((made.answer.status, made.delivery, made.error))

    chain = Chain(
        [(filter_of("dark", on_response=see), "shadow"), (filter_of(on_request=doing(Rejected("no"))), "enforce")],
        Upstream(),
    )
    made = exchange()
    await chain(made)
    for call in made.take_at_end():
        await call()
    assert seen == [(403, Delivery.UNSENT, made.error)]


async def test_a_body_too_large_for_it_streams_on():
    made = await shadowed(exchange(body=streaming(b"aa", b"bb", b"cc")), buffer=3, on_request=fail, reads=Reads.REQUEST)
    assert [(step.decision, step.code) for step in made.steps] == [("would_skip", "body_too_large")]
    assert [chunk async for chunk in made.request.body.chunks()] == [b"aa", b"bb", b"cc"]


async def test_a_body_too_large_for_it_is_too_large_for_a_reader_below():
    steps = [
        (filter_of("dark", reads=Reads.REQUEST), "shadow"),
        (filter_of("b", on_request=doing(None), reads=Reads.REQUEST), "enforce"),
    ]
    made = exchange(body=streaming(b"aa", b"bb"))
    await Chain(steps, Upstream(), buffer=3)(made)
    assert made.answer.status == 413


async def test_an_answer_too_large_for_it_streams_on():
    upstream = Upstream(Response(200, body=streaming(b"aa", b"bb")))
    made = await shadowed(exchange(), upstream, buffer=3, on_response=fail, reads=Reads.RESPONSE)
    assert [chunk async for chunk in made.answer.body.chunks()] == [b"aa", b"bb"]
    assert made.error is None


async def test_it_does_not_take_the_live_body_that_it_does_not_read():
    async def take(made: Exchange) -> None:
        assert [chunk async for chunk in made.request.body.chunks()] == []

    made = await shadowed(exchange(body=streaming(b"aa", b"bb")), on_request=take)
    assert [chunk async for chunk in made.request.body.chunks()] == [b"aa", b"bb"]
    assert made.steps[0].decision == "would_pass"


async def test_a_slow_shadow_delays_neither_the_answer_nor_the_next_request():
    slow = asyncio.Event()

    async def wait(made: Exchange) -> None:
        await slow.wait()
        raise Rejected

    async with (
        raw_upstream() as upstream,
        gateway(upstream, filters=[(filter_of("dark", on_request=wait), "shadow")]) as gate,
    ):
        client = await gate.connect()
        assert [(await client.ask(GET)).status for _ in range(3)] == [200, 200, 200]
        assert gate.ended.empty()
        slow.set()
        ended = [await gate.exchange() for _ in range(3)]
    assert [[step.decision for step in made.steps] for made in ended] == [["would_refuse"]] * 3


async def test_a_shadow_of_a_client_that_left_ends_too():
    reached = asyncio.Event()

    async def wait(made: Exchange) -> None:
        reached.set()
        await asyncio.Event().wait()

    steps = [(filter_of("dark", on_response=doing(Rejected())), "shadow"), filter_of("live", on_request=wait)]
    async with raw_upstream(OK) as upstream, gateway(upstream, filters=steps) as gate:
        client = await gate.connect()
        await client.send(GET)
        await reached.wait()
        client.reset()
        made = await gate.exchange()
        assert gate.snapshot.in_flight == 0
    assert made.error.code == "client_gone"
    assert [step.decision for step in made.steps] == ["would_refuse", "cancelled"]


# guards that take their time


class Slow(Guard[Config]):
    """Decides when the test says so: by what ``decides`` is given, a ticket or an error."""

    name = "slow"

    def __init__(self) -> None:
        super().__init__(Config(), scope())
        self.decides: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.settled: list[tuple[str, object]] = []

    def admit(self, exchange: Exchange) -> asyncio.Future[str]:
        return self.decides

    def settle(self, exchange: Exchange, attempt: Attempt | None, admitted: str) -> None:
        self.settled.append((admitted, attempt and attempt.number))


def undecided(guard: Slow) -> Undecided:
    return Undecided(guard, guard.admit(exchange()))


async def test_what_a_guard_admits_beside_an_attempt_is_settled_with_it() -> None:
    place = undecided(guard := Slow())
    guard.decides.set_result("ticket")
    await asyncio.sleep(0)
    place.settle(made := exchange(), Attempt(1, 0.0), None)
    assert (guard.settled, made.steps) == ([("ticket", 1)], [])


@pytest.mark.parametrize(
    ("error", "decided", "code"),
    [
        (Rejected("Enough"), "would_refuse", "rejected"),
        (RuntimeError("a bug"), "would_fail", "RuntimeError"),
        (asyncio.CancelledError(), "would_fail", "CancelledError"),
    ],
)
async def test_what_it_refuses_is_remembered_and_nothing_is_settled(error, decided, code) -> None:
    place = undecided(guard := Slow())
    if isinstance(error, asyncio.CancelledError):
        guard.decides.cancel()
    else:
        guard.decides.set_exception(error)
    await asyncio.sleep(0)
    place.settle(made := exchange(), Attempt(1, 0.0), None)
    assert [(step.filter, step.mode, step.decision, step.code) for step in made.steps] == [
        ("slow", "shadow", decided, code)
    ]
    assert guard.settled == []


async def test_one_that_has_not_decided_when_the_attempt_ends_is_let_go() -> None:
    place = undecided(guard := Slow())
    place.settle(made := exchange(), Attempt(1, 0.0), None)
    await asyncio.sleep(0)
    assert [(step.decision, step.code) for step in made.steps] == [("would_wait", None)]
    assert (guard.decides.cancelled(), guard.settled) == (True, [])


async def test_nothing_is_said_of_one_whose_attempt_another_guard_refused() -> None:
    place = undecided(guard := Slow())
    place.settle(made := exchange(), None, None)
    await asyncio.sleep(0)
    assert (made.steps, guard.decides.cancelled()) == ([], True)


async def test_what_is_admitted_though_it_was_let_go_is_given_back() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "ticket"
        return ""

    place = Undecided(guard := Slow(), stubborn())
    await asyncio.sleep(0)
    place.settle(exchange(), Attempt(3, 0.0), None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert guard.settled == [("ticket", 3)]


async def test_one_that_never_got_its_turn_took_nothing() -> None:
    async def deciding() -> str:
        raise AssertionError

    place = Undecided(guard := Slow(), deciding())
    place.settle(exchange(), None, None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert guard.settled == []
