"""The path of an exchange, written as the trace of the filters that it meets."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from contextlib import suppress

import pytest

from gateway.body import Body
from gateway.dataplane.chain import Chain
from gateway.dataplane.payment import PaymentReader
from gateway.errors import ClientTimeout, DependencyDown, Rejected, UpstreamBroken
from gateway.exchange import Attempt, Delivery, Exchange, Reads
from gateway.facts import Payment
from gateway.messages import Response
from gateway.parts import Config, Filter, OptionalConfig
from gateway.testing import exchange, scope, streaming

OPEN = OptionalConfig(failure_mode="open")


class Trace(list[str]):
    """What was met, in order."""

    def __str__(self) -> str:
        return " ".join(self)

    def step(
        self,
        name: str,
        *,
        down: object = None,
        up: object = None,
        config: Config | None = None,
        reads: Reads = Reads.NOTHING,
        requires: tuple[type, ...] = (),
    ) -> Filter:
        """A filter that says where it is met; ``down`` and ``up`` are what it answers or raises there."""
        trace = self

        class Step(Filter):
            async def on_request(self, exchange: Exchange):
                trace.append(f"{name}>")
                return await act(down, exchange)

            async def on_response(self, exchange: Exchange):
                trace.append(f"<{name} {exchange.answer.status}")
                await act(up, exchange)

        Step.name = name
        Step.reads, Step.requires = reads, requires
        return Step(config or Config(), scope())


async def act(what: object, exchange: Exchange):
    if isinstance(what, BaseException):
        raise what
    if callable(what):
        return await what(exchange)
    return what


class Upstream:
    """Notes that it was reached, and does what it is told."""

    def __init__(self, trace: Trace, does: object = None) -> None:
        self._trace = trace
        self._does = does

    async def dispatch(self, exchange: Exchange) -> Response:
        self._trace.append("upstream")
        exchange.delivery = Delivery.UNKNOWN
        answer = await act(self._does, exchange) or Response(200)
        exchange.attempts.append(Attempt(1, 0.0, delivery=Delivery.ANSWERED, status=answer.status))
        exchange.delivery = Delivery.ANSWERED
        return answer


def chain(trace: Trace, *filters: Filter, upstream: object = None, **options) -> Chain:
    return Chain([(step, "enforce") for step in filters], Upstream(trace, upstream), **options)


def decisions(made: Exchange) -> str:
    return " ".join(f"{step.filter}:{step.decision}" for step in made.steps)


@pytest.mark.parametrize(
    ("down", "up", "path", "status", "decided"),
    [
        (None, None, "a> b> c> upstream <c 200 <b 200 <a 200", 200, "a:passed b:passed c:passed"),
        (Response(201), None, "a> b> <a 201", 201, "a:passed b:answered"),
        (Rejected(), None, "a> b> <a 403", 403, "a:passed b:refused"),
        (DependencyDown(), None, "a> b> <a 503", 503, "a:passed b:failed"),
        (ValueError("inside"), None, "a> b> <a 500", 500, "a:passed b:failed"),
        (None, Rejected(), "a> b> c> upstream <c 200 <b 200 <a 403", 403, "a:passed b:refused c:passed"),
        (None, ValueError("inside"), "a> b> c> upstream <c 200 <b 200 <a 500", 500, "a:passed b:failed c:passed"),
    ],
    ids=["passes", "answers", "refuses", "is-down", "fails", "refuses-the-answer", "fails-on-the-answer"],
)
async def test_each_filter_that_passed_sees_one_return(down, up, path, status, decided) -> None:
    trace, made = Trace(), exchange()
    await chain(trace, trace.step("a"), trace.step("b", down=down, up=up), trace.step("c"))(made)
    assert str(trace) == path
    assert made.answer.status == status
    assert decisions(made) == decided


@pytest.mark.parametrize(
    ("failure", "status"),
    [(UpstreamBroken("cut"), 502), (ClientTimeout(), 408), (Rejected(), 403), (ZeroDivisionError(), 500)],
    ids=["broken", "client", "guard", "bug"],
)
async def test_a_failure_below_is_seen_by_all_as_the_answer_it_makes(failure, status) -> None:
    trace, made = Trace(), exchange()
    await chain(trace, trace.step("a"), trace.step("b"), upstream=failure)(made)
    assert str(trace) == f"a> b> upstream <b {status} <a {status}"
    assert made.error is not None
    assert made.error.status == status
    assert decisions(made) == "a:passed b:passed"


class Parsed:
    """What a filter made of a body: it may be much."""


@pytest.mark.parametrize(
    "failure",
    [Rejected, UpstreamBroken, ZeroDivisionError, asyncio.CancelledError],
)
@pytest.mark.parametrize("where", ["down", "up"])
@pytest.mark.parametrize("chained", [True, False])
async def test_what_failed_leaves_nothing_for_the_garbage_collector(failure, where, chained, monkeypatch) -> None:
    seen: list[weakref.ref[Parsed]] = []

    async def parse(exchange: Exchange) -> None:
        parsed = Parsed()
        seen.append(weakref.ref(parsed))
        try:
            {}["a failure on the way"]
        except KeyError as error:
            if chained:
                raise failure() from error
            raise failure()  # noqa: B904 - as careless as a plugin may be

    trace = Trace()
    monkeypatch.setattr("gateway.dataplane.chain.logger.error", lambda *_, **__: None)  # pytest keeps what is logged
    gc.disable()
    try:
        with suppress(asyncio.CancelledError):
            await chain(trace, trace.step("a"), trace.step("b", **{where: parse}))(exchange())
        assert [each() for each in seen] == [None]
    finally:
        gc.enable()


async def test_two_failures_on_the_way_up_leave_the_last() -> None:
    trace, made = Trace(), exchange()
    steps = [trace.step("a"), trace.step("b", up=Rejected("second")), trace.step("c", up=ValueError("first"))]
    await chain(trace, *steps)(made)
    assert str(trace) == "a> b> c> upstream <c 200 <b 500 <a 403"
    assert isinstance(made.error, Rejected)


async def test_a_bug_is_a_500_that_shows_nothing_of_the_inside(caplog) -> None:
    trace, made = Trace(), exchange()
    await chain(trace, trace.step("a", down=KeyError("secret-of-the-inside")))(made)
    problem = made.answer.json()
    assert (problem["status"], problem["code"], problem["request_id"]) == (500, "internal_error", made.id)
    assert "secret-of-the-inside" not in made.answer.body.data.decode()
    assert "secret-of-the-inside" in caplog.text
    assert "a failed" in caplog.text
    assert caplog.records[0].levelno == logging.ERROR


async def test_methods_that_are_not_overridden_are_not_called() -> None:
    trace, made = Trace(), exchange()

    class Silent(Filter):
        name = "silent"

    class Up(Filter):
        name = "up"

        async def on_response(self, exchange: Exchange) -> None:
            trace.append("<up")

    await chain(trace, Silent(Config(), scope()), Up(Config(), scope()), trace.step("a"))(made)
    assert str(trace) == "a> upstream <a 200 <up"
    assert decisions(made) == "a:passed up:passed"


async def test_a_filter_that_only_listens_hears_what_was_decided_above_the_rest() -> None:
    trace, made = Trace(), exchange()

    class Up(Filter):
        name = "up"

        async def on_response(self, exchange: Exchange) -> None:
            trace.append(f"<up {exchange.answer.status}")

    await chain(trace, Up(Config(), scope()), trace.step("a", down=Rejected()), Up(Config(), scope()))(made)
    assert str(trace) == "a> <up 403"


# cancellation


@pytest.mark.parametrize("where", ["down", "upstream", "up"])
async def test_filters_above_see_a_cancellation_and_it_goes_on(where) -> None:
    trace, made = Trace(), exchange()
    reached = asyncio.Event()

    async def wait(_) -> None:
        reached.set()
        await asyncio.Event().wait()

    steps = {
        "down": [trace.step("a"), trace.step("b", down=wait)],
        "upstream": [trace.step("a"), trace.step("b")],
        "up": [trace.step("a"), trace.step("b", up=wait)],
    }[where]
    task = asyncio.create_task(chain(trace, *steps, upstream=wait if where == "upstream" else None)(made))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    paths = {
        "down": "a> b> <a 499",
        "upstream": "a> b> upstream <b 499 <a 499",
        "up": "a> b> upstream <b 200 <a 499",
    }
    assert str(trace) == paths[where]
    assert made.error is not None
    assert made.error.code == "client_gone"
    assert decisions(made) == ("a:passed b:passed" if where == "upstream" else "a:passed b:cancelled")


async def test_a_cancellation_goes_on_where_a_filter_above_fails_on_it() -> None:
    trace, made = Trace(), exchange()
    reached = asyncio.Event()

    async def wait(_) -> None:
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(chain(trace, trace.step("a"), trace.step("b", up=ValueError()), upstream=wait)(made))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert str(trace) == "a> b> upstream <b 499 <a 500"


# dependencies that are down


@pytest.mark.parametrize(
    ("config", "path", "status"),
    [
        (OptionalConfig(), "a> b> <a 503", 503),
        (OPEN, "a> b> c> upstream <c 200 <a 200", 200),
    ],
    ids=["closed", "open"],
)
async def test_a_filter_whose_dependency_is_down_is_skipped_only_where_the_policy_says_so(config, path, status) -> None:
    trace, made = Trace(), exchange()
    steps = [trace.step("a"), trace.step("b", down=DependencyDown(), config=config), trace.step("c")]
    await chain(trace, *steps)(made)
    assert str(trace) == path
    assert made.answer.status == status
    assert made.steps[1].code == "dependency_down"
    assert made.steps[1].decision == ("skipped" if status == 200 else "failed")


@pytest.mark.parametrize("failure", [Rejected(), ValueError(), TimeoutError()], ids=["refusal", "bug", "timeout"])
async def test_failing_open_is_for_a_dependency_alone(failure) -> None:
    trace, made = Trace(), exchange()
    await chain(trace, trace.step("a"), trace.step("b", down=failure, config=OPEN))(made)
    assert "upstream" not in trace
    assert made.answer.status in {403, 500}


@pytest.mark.parametrize("config", [Config(), OPEN], ids=["closed", "open"])
async def test_after_an_answer_a_dependency_that_is_down_on_the_way_up_is_noted_and_the_answer_stands(config) -> None:
    trace, made = Trace(), exchange()
    steps = [trace.step("a"), trace.step("b", up=DependencyDown(), config=config)]
    await chain(trace, *steps, upstream=Response(201, body=b"paid"))(made)
    assert str(trace) == "a> b> upstream <b 201 <a 201"
    assert made.answer.body.data == b"paid"
    assert made.error is None
    assert [(note.filter, note.code) for note in made.notes] == [("b", "dependency_down_after_answer")]
    assert decisions(made) == "a:passed b:failed"


async def test_without_an_answer_a_dependency_that_is_down_on_the_way_up_is_the_error() -> None:
    trace, made = Trace(), exchange()
    steps = [trace.step("a"), trace.step("b", up=DependencyDown()), trace.step("c", down=Response(200))]
    await chain(trace, *steps)(made)
    assert str(trace) == "a> b> c> <b 200 <a 503"


# bodies


class Source:
    """A body of these chunks, and how many of them were pulled."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self.pulled = 0
        self._chunks = chunks

    def body(self, length: int | None = None) -> Body:
        async def source():
            for chunk in self._chunks:
                self.pulled += 1
                if isinstance(chunk, Exception):
                    raise chunk
                yield chunk

        return Body(source=source(), length=length)


async def test_an_early_refusal_pulls_no_body() -> None:
    trace, source = Trace(), Source(b"a", b"b")
    made = exchange(body=source.body())
    await chain(trace, trace.step("a", down=Rejected()), trace.step("b", reads=Reads.REQUEST))(made)
    assert source.pulled == 0


async def test_a_body_that_nobody_reads_streams_to_the_upstream() -> None:
    trace, source = Trace(), Source(b"a", b"b")
    made = exchange(body=source.body())
    await chain(trace, trace.step("a"))(made)
    assert source.pulled == 0
    assert made.request.body.data is None


async def test_a_body_is_whole_just_before_its_first_reader() -> None:
    trace, source = Trace(), Source(b"a", b"b")

    async def unread(_) -> None:
        assert source.pulled == 0

    async def read(made: Exchange) -> None:
        assert made.request.body.data == made.received.body.data == b"ab"

    made = exchange(body=source.body())
    await chain(trace, trace.step("a", down=unread), trace.step("b", down=read, reads=Reads.REQUEST))(made)
    assert made.error is None


async def test_what_was_received_is_whole_too_where_a_filter_above_replaced_the_body() -> None:
    trace = Trace()

    async def replace(made: Exchange) -> None:
        made.request.body = b"other"

    async def read(made: Exchange) -> None:
        assert (made.request.body.data, made.received.body.data) == (b"other", b"ab")

    made = exchange(body=streaming(b"a", b"b"))
    await chain(trace, trace.step("a", down=replace), trace.step("b", down=read, reads=Reads.REQUEST))(made)
    assert made.error is None


@pytest.mark.parametrize(("length", "pulled"), [(None, 2), (6, 0)], ids=["chunked", "announced"])
async def test_a_body_beyond_the_buffer_is_refused_as_soon_as_that_is_known(length, pulled) -> None:
    trace, source = Trace(), Source(b"aa", b"bb", b"cc")
    made = exchange(body=source.body(length))
    await chain(trace, trace.step("a"), trace.step("b", reads=Reads.REQUEST), buffer=3)(made)
    assert str(trace) == "a> <a 413"
    assert source.pulled == pulled
    assert decisions(made) == "a:passed b:refused"


async def test_a_client_that_breaks_off_its_body_is_a_refusal_of_the_reader() -> None:
    trace, made = Trace(), exchange(body=Source(b"a", ClientTimeout()).body())
    await chain(trace, trace.step("a"), trace.step("b", reads=Reads.REQUEST))(made)
    assert str(trace) == "a> <a 408"


async def test_an_answer_is_whole_just_before_its_first_reader() -> None:
    trace, source = Trace(), Source(b"a", b"b")

    async def read(made: Exchange) -> None:
        assert made.answer.body.data == b"ab"

    async def unread(_) -> None:
        assert source.pulled == 0

    made = exchange()
    steps = [trace.step("a", up=read, reads=Reads.RESPONSE), trace.step("b", up=unread)]
    await chain(trace, *steps, upstream=Response(200, body=source.body()))(made)
    assert made.error is None


async def test_an_answer_that_nobody_reads_streams() -> None:
    trace, source = Trace(), Source(b"a", b"b")
    made = exchange()
    await chain(trace, trace.step("a"), upstream=Response(200, body=source.body()))(made)
    assert source.pulled == 0


async def test_an_answer_beyond_the_buffer_is_a_problem_of_its_own() -> None:
    trace, made = Trace(), exchange()
    body = Source(b"aa", b"bb").body()
    steps = [trace.step("a"), trace.step("b", reads=Reads.RESPONSE)]
    await chain(trace, *steps, upstream=Response(200, body=body), buffer=3)(made)
    assert str(trace) == "a> b> upstream <a 502"
    assert made.answer.json()["code"] == "answer_too_large"


# payments


async def test_the_payment_is_read_before_the_first_filter_that_requires_it() -> None:
    trace, made = Trace(), exchange(json={"amount": 100})
    reader = PaymentReader("payment.create", amount="/amount")

    async def without(made: Exchange) -> None:
        assert made.get(Payment) is None

    async def required(made: Exchange) -> None:
        assert made.require(Payment).amount == 100

    steps = [trace.step("a", down=without), trace.step("b", down=required, requires=(Payment,)), trace.step("c")]
    await chain(trace, *steps, payment=reader)(made)
    assert str(trace) == "a> b> c> upstream <c 200 <b 200 <a 200"
    assert decisions(made) == "a:passed payment:passed b:passed c:passed"


async def test_the_payment_is_read_before_dispatch_where_no_filter_requires_it() -> None:
    trace, made = Trace(), exchange(json={})
    await chain(trace, trace.step("a"), payment=PaymentReader("payment.create", amount="/amount"))(made)
    assert str(trace) == "a> <a 422"
    assert decisions(made) == "a:passed payment:refused"


async def test_a_dependency_that_is_down_after_an_answer_was_refused_is_the_error() -> None:
    trace, made = Trace(), exchange()
    steps = [trace.step("a"), trace.step("b", up=DependencyDown()), trace.step("c", up=Rejected())]
    await chain(trace, *steps)(made)
    assert str(trace) == "a> b> c> upstream <c 200 <b 403 <a 503"


async def test_a_branch_goes_down_from_the_filter_that_made_it_and_comes_back_to_it() -> None:
    trace, branches = Trace(), []

    async def branch(exchange: Exchange) -> None:
        branches.append(exchange.branch())

    steps = [trace.step("a"), trace.step("b", down=branch), trace.step("c")]
    chain = Chain([(step, "enforce") for step in steps], Upstream(trace))
    asked = exchange("GET", "/v1/invoices")
    await chain(asked)
    whole = str(trace)
    trace.clear()
    for _ in range(2):
        again = branches[0].branch()
        await again.descend()
    assert whole == "a> b> c> upstream <c 200 <b 200 <a 200"
    assert str(trace) == "c> upstream <c 200 c> upstream <c 200"
    assert [step.filter for step in asked.steps] == ["a", "b", "c"]
    assert again.answer.status == 200


async def test_a_branch_that_fails_says_so_and_the_one_it_is_of_does_not() -> None:
    trace, branches = Trace(), []

    async def branch(exchange: Exchange) -> None:
        branches.append(exchange.branch())

    fails = iter([None, UpstreamBroken("closed")])

    async def answer(exchange: Exchange):
        if error := next(fails):
            raise error
        return Response(200)

    chain = Chain([(trace.step("a", down=branch), "enforce")], Upstream(trace, answer))
    asked = exchange("GET", "/v1/invoices")
    await chain(asked)
    await branches[0].descend()
    assert (branches[0].answer.status, asked.answer.status, asked.error) == (502, 200, None)


def test_what_is_not_safe_is_not_sent_once_more() -> None:
    with pytest.raises(RuntimeError, match="only a safe request"):
        exchange("POST", "/v1/payments").branch()
