from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from gateway.errors import Rejected, UpstreamTimeout
from gateway.exchange import Attempt, Delivery, Exchange, Note
from gateway.facts import Principal
from gateway.messages import Response
from gateway.telemetry.masking import Masking
from gateway.telemetry.spans import Spans
from tests.gateway.telemetry.collector import Collector
from tests.gateway.telemetry.documented import table
from tests.gateway.telemetry.exchanges import PARENT_ID, SPAN_ID, TRACE_ID, ended


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def made(collector: Collector) -> Spans:
    template = {"create-payment": "/v1/payments"}.get
    return Spans(collector.url, Masking(), version="1.2.3", template=template)


async def sent(collector: Collector, *exchanges: Exchange) -> list[Sent]:
    spans = made(collector)
    for exchange in exchanges:
        spans.ended(exchange)
    await spans.close()
    found = []
    while not collector.received.empty():
        found += [span for scope in collector.received.get().scope_spans for span in scope.spans]
    return found


def attributes(holder) -> dict:
    def plain(value):
        kind = value.WhichOneof("value")
        return [plain(each) for each in value.array_value.values] if kind == "array_value" else getattr(value, kind)

    return {each.key: plain(each.value) for each in holder.attributes}


async def test_a_sampled_exchange_is_one_server_span_with_the_ids_that_everybody_was_told(collector):
    [span] = await sent(collector, ended())
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()) == (TRACE_ID, SPAN_ID, PARENT_ID)
    assert (span.name, span.kind) == ("POST /v1/payments", Sent.SPAN_KIND_SERVER)


async def test_a_trace_that_begins_here_has_no_parent(collector):
    [span] = await sent(collector, ended(parent_id=None))
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id) == (TRACE_ID, SPAN_ID, b"")


async def test_an_exchange_that_is_not_sampled_leaves_none(collector):
    assert await sent(collector, ended(sampled=False)) == []


async def test_the_span_says_what_the_conventions_ask_for_and_what_is_our_own(collector):
    [span] = await sent(collector, ended(facts=(Principal("user-17"),), notes=[Note("fraud", "scored")]))
    assert attributes(span) == {
        "http.request.method": "POST",
        "http.route": "/v1/payments",
        "http.response.status_code": 201,
        "http.request.body.size": 600,
        "http.response.body.size": 420,
        "url.path": "/v1/payments",
        "url.scheme": "http",
        "server.address": "shop.example",
        "server.port": 8080,
        "client.address": "203.0.113.7",
        "network.peer.address": "10.0.0.9",
        "user_agent.original": "shop/1.0",
        "payguard.request_id": "0199a1b2c3d4",
        "payguard.route": "create-payment",
        "payguard.operation": "payment.create",
        "payguard.outcome": "succeeded",
        "payguard.delivery": "answered",
        "payguard.upstream": "backend",
        "payguard.attempts": 1,
        "payguard.filters": ["principal: passed"],
        "payguard.notes": ["scored"],
        "payguard.principal": "user-17",
    }
    assert span.status.code == Status.STATUS_CODE_UNSET


async def test_the_span_began_and_ended_when_the_exchange_did(collector):
    now = time.monotonic()
    before = time.time_ns()
    [span] = await sent(
        collector, ended(started=now - 1.0, ended=now - 0.75, attempts=[Attempt(1, now - 0.9, now - 0.8)])
    )
    assert span.end_time_unix_nano - span.start_time_unix_nano == pytest.approx(250_000_000, abs=1000)
    assert before - span.start_time_unix_nano == pytest.approx(1_000_000_000, abs=500_000_000)
    [event] = span.events
    assert event.time_unix_nano - span.start_time_unix_nano == pytest.approx(100_000_000, abs=1000)


async def test_each_attempt_is_an_event(collector):
    attempts = [Attempt(1, 100.0, 100.5, error="upstream_timeout"), Attempt(2, 101.0, 101.5, status=200)]
    [span] = await sent(collector, ended(attempts=attempts))
    assert [attributes(event) for event in span.events] == [
        {"number": 1, "ms": 500.0, "error.type": "upstream_timeout"},
        {"number": 2, "ms": 500.0, "http.response.status_code": 200},
    ]


@pytest.mark.parametrize(
    ("changes", "error_type"),
    [
        ({"response": Response(504), "error": UpstreamTimeout(), "delivery": Delivery.UNKNOWN}, "upstream_timeout"),
        ({"response": Response(503)}, "503"),
        ({"response": None}, "no_answer"),
    ],
)
async def test_a_failure_of_the_server_is_an_error(collector, changes, error_type):
    [span] = await sent(collector, ended(**changes))
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert attributes(span)["error.type"] == error_type


async def test_a_refusal_is_not(collector):
    [span] = await sent(collector, ended(response=Response(403), error=Rejected()))
    assert span.status.code == Status.STATUS_CODE_UNSET
    assert attributes(span)["payguard.code"] == "rejected"
    assert "error.type" not in attributes(span)


async def test_nothing_secret_is_in_a_span(collector):
    exchange = ended(
        target=b"/v1/cards/%34111111111111111?cvc=123",
        facts=(Principal("4111 1111 1111 1111"),),
        headers=((b"host", b"shop"), (b"user-agent", b"Bearer abcdef123456")),
        notes=[Note("x", "4111111111111111")],
    )
    [span] = await sent(collector, exchange)
    said = attributes(span)
    assert said["url.path"] == "/v1/cards/[card *1111]"
    assert said["user_agent.original"] == "Bearer [masked]"
    assert "1111111" not in str(said)
    assert "123" not in said["url.path"]


async def test_the_resource_says_who_sends_and_the_environment_may_say_otherwise(collector, monkeypatch):
    def resource() -> dict:
        return attributes(collector.received.get().resource)

    first = made(collector)
    first.ended(ended())
    await first.close()
    said = resource()
    assert (said["service.name"], said["service.version"]) == ("payguard", "1.2.3")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "payments-gateway")
    second = made(collector)
    second.ended(ended())
    await second.close()
    assert resource()["service.name"] == "payments-gateway"


async def test_closing_gives_up_on_a_collector_that_hangs(collector):
    collector.stall()
    spans = made(collector)
    spans.ended(ended())
    await spans.close(within=0.05)
    assert collector.received.empty()


def test_telemetry_without_spans_does_not_import_the_sdk():
    program = (
        "import sys, gateway.telemetry.log, gateway.telemetry.metrics;"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


async def test_every_attribute_is_documented_and_no_other_is(collector):
    [span] = await sent(
        collector, ended(facts=(Principal("user-17"),), response=Response(504), error=UpstreamTimeout())
    )
    assert sorted(attributes(span)) == sorted(name for name, _ in table("Spans"))
