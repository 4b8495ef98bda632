"""Spans: one per sampled exchange, made after it has ended, sent over OTLP.

Import this module only where spans have somewhere to go: the SDK takes memory and time that nobody else needs.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable

import orjson
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from gateway.exchange import Attempt, Exchange
from gateway.facts import Principal
from gateway.outcomes import outcome_of
from gateway.telemetry.masking import Masking
from gateway.telemetry.records import readable

Attributes = dict[str, str | int | float | bool | list[str]]

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_LONGEST = 1024


class Spans:
    """Sends each sampled exchange to the collector at ``endpoint``, the base URL of OTLP over HTTP.

    The span has the ids that the upstream and the log line were given.  ``template`` tells a route's path template from
    its name.  A collector that is away costs spans, never requests; the variables ``OTEL_*`` of the SDK hold.
    """

    def __init__(
        self, endpoint: str, masking: Masking, *, version: str, template: Callable[[str], str | None] = lambda _: None
    ) -> None:
        self._masking = masking
        self._template = template
        self._chosen = _ChosenIds()
        # it would warn of each span that it drops while the collector is away
        logging.getLogger("opentelemetry.sdk._shared_internal").setLevel(logging.ERROR)
        own = Resource.create({"service.name": "payguard", "service.version": version})
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,  # the exchange has decided
            resource=own.merge(OTELResourceDetector().detect()),
            id_generator=self._chosen,
            span_limits=SpanLimits(max_span_attribute_length=_LONGEST),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("payguard", version)

    def ended(self, exchange: Exchange) -> None:
        trace = exchange.trace
        if not trace.sampled:
            return
        began = time.time_ns() - int((time.monotonic() - exchange.started) * 1e9)
        self._chosen.trace_id, self._chosen.span_id = int(trace.trace_id, 16), int(trace.span_id, 16)
        template = self._template(exchange.route)
        span = self._tracer.start_span(
            f"{exchange.received.method} {template or exchange.route}".rstrip(),
            context=_parent(self._chosen.trace_id, trace.parent_id),
            kind=SpanKind.SERVER,
            attributes=self._masked(_attributes(exchange, template, self._masking)),
            start_time=began,
        )
        for attempt in exchange.attempts:
            at = began + int((attempt.started - exchange.started) * 1e9)
            span.add_event("attempt", _attempt(attempt), timestamp=at)
        if _failed(exchange):
            span.set_status(Status(StatusCode.ERROR, _why(exchange)))
        span.end(began + int((exchange.ended - exchange.started) * 1e9))

    async def close(self, within: float = 3.0) -> None:
        """Send what waits; give up after ``within`` seconds.  What ends later is dropped."""
        # a daemon of its own: the SDK waits for a collector that hangs longer than a process may
        closing = threading.Thread(target=self._provider.shutdown, name="spans", daemon=True)
        closing.start()
        await asyncio.get_running_loop().run_in_executor(None, closing.join, within)

    def _masked(self, attributes: Attributes) -> Attributes:
        if not self._masking.suspects(orjson.dumps(attributes)):
            return attributes
        masked: Attributes = self._masking.document(attributes)
        return masked


class _ChosenIds(IdGenerator):
    """Hands out the ids that the exchange already has: its log line and the upstream were told them."""

    trace_id = span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


def _parent(trace_id: int, parent_id: str | None) -> Context | None:
    if parent_id is None:
        return None
    context = SpanContext(trace_id, int(parent_id, 16), is_remote=True, trace_flags=_SAMPLED)
    return set_span_in_context(NonRecordingSpan(context))


def _attributes(exchange: Exchange, template: str | None, masking: Masking) -> Attributes:
    """OpenTelemetry's semantic conventions for HTTP servers, and what is Payguard's own."""
    received, response = exchange.received, exchange.response
    attributes: Attributes = {
        "http.request.method": received.method,
        "url.path": readable(received.target.partition(b"?")[0], masking),
        "url.scheme": received.scheme,
        "client.address": received.client,
        "network.peer.address": received.peer,
        "http.request.body.size": exchange.bytes_in,
        "http.response.body.size": exchange.bytes_out,
        "payguard.request_id": exchange.id,
        "payguard.route": exchange.route,
        "payguard.delivery": exchange.delivery.value,
        "payguard.attempts": len(exchange.attempts),
        "payguard.filters": [f"{step.filter}: {step.decision}" for step in exchange.steps],
        "payguard.notes": [note.code for note in exchange.notes],
    }
    attributes |= _from_headers(received.headers)
    if template is not None:
        attributes["http.route"] = template
    if response is not None:
        attributes["http.response.status_code"] = response.status
    if exchange.error is not None:
        attributes["payguard.code"] = exchange.error.code
    if _failed(exchange):
        attributes["error.type"] = _why(exchange)
    if exchange.upstream is not None:
        attributes["payguard.upstream"] = exchange.upstream
    if exchange.operation is not None:
        attributes["payguard.operation"] = exchange.operation
        attributes["payguard.outcome"] = str(outcome_of(exchange))
    if (principal := exchange.get(Principal)) is not None:
        attributes["payguard.principal"] = principal.id
    return attributes


def _from_headers(headers: tuple[tuple[bytes, bytes], ...]) -> Attributes:
    said: Attributes = {}
    for name, value in headers:
        if name == b"host":
            host, _, port = value.decode("latin-1").rpartition(":")
            if host and port.isdigit():
                said |= {"server.address": host, "server.port": int(port)}
            else:
                said["server.address"] = value.decode("latin-1")
        elif name == b"user-agent":
            said["user_agent.original"] = value.decode("latin-1")
    return said


def _attempt(attempt: Attempt) -> Attributes:
    said: Attributes = {"number": attempt.number, "ms": (attempt.ended - attempt.started) * 1000}
    if attempt.status is not None:
        said["http.response.status_code"] = attempt.status
    if attempt.error is not None:
        said["error.type"] = attempt.error
    return said


def _failed(exchange: Exchange) -> bool:
    """A server fails with 5xx, or without an answer; what a client did wrong is not the server's failure."""
    return exchange.response is None or exchange.response.status >= 500


def _why(exchange: Exchange) -> str:
    if exchange.error is not None:
        return exchange.error.code
    return "no_answer" if exchange.response is None else str(exchange.response.status)
