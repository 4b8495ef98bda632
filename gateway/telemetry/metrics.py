"""Metrics: numbers that an exchange adds to on its way out, and numbers that are read when Prometheus asks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.exchange import Exchange
from gateway.facts import Payment
from gateway.outcomes import outcome_of
from gateway.parts import Component, Measure
from gateway.telemetry import catalogue
from gateway.telemetry.series import Durations, Read, Series, Spent, Tally

logger = logging.getLogger(__name__)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CLASSES = {1: "1xx", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}
_CURRENCIES = 200  # ISO 4217 lists fewer


class Metrics(Collector):
    """Everything at ``/metrics``.

    ``ended`` is the path's and costs additions.  ``read`` is everybody's: what it is given is called at each scrape.
    ``registry`` is an ordinary one of prometheus_client, for what has a collector of its own.  ``mask`` takes out of
    the value of a label what nobody may read.
    """

    def __init__(self, mask: Callable[[str], str] = str) -> None:
        self._mask = mask
        self.registry = CollectorRegistry()
        self.loop_lag = Durations(catalogue.LOOP_LAG)
        self._requests = Tally(catalogue.REQUESTS)
        self._durations = Durations(catalogue.REQUEST_DURATION)
        self._upstreams = Durations(catalogue.UPSTREAM_DURATION)
        self._attempts = Tally(catalogue.ATTEMPTS)
        self._filters = Spent(catalogue.FILTER_DECISIONS, catalogue.FILTER_SECONDS)
        self._payments = Tally(catalogue.PAYMENTS, most=100)
        self._amounts = Tally(catalogue.PAYMENT_AMOUNT, most=_CURRENCIES * 10)
        self._read: dict[str, tuple[Series, Read]] = {}
        self.components: Callable[[], Iterable[Component[Any]]] = tuple
        """Those whose measures are shown."""
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def ended(self, exchange: Exchange) -> None:
        route, method, response = exchange.route or "unmatched", exchange.received.method, exchange.response
        status = "none" if response is None else response.status
        result = "failure" if response is None or response.status >= 500 else "success"
        self._requests.add((route, method if method in _METHODS else "other", status, result))
        self._durations.observe(route, exchange.ended - exchange.started)
        for step in exchange.steps:
            self._filters.add((route, step.filter, step.mode, step.decision), step.seconds)
        if (upstream := exchange.upstream) is not None:
            for attempt in exchange.attempts:
                self._upstreams.observe(upstream, attempt.ended - attempt.started)
                self._attempts.add((upstream, attempt.error or _CLASSES.get((attempt.status or 0) // 100, "none")))
        if exchange.operation is not None:
            self._paid(exchange, exchange.operation)

    def _paid(self, exchange: Exchange, operation: str) -> None:
        outcome = outcome_of(exchange)
        self._payments.add((operation, outcome))
        payment = exchange.get(Payment)
        if payment is not None and payment.amount is not None:
            self._amounts.add((operation, payment.currency or "none", outcome), payment.amount)

    def read(self, series: Series, read: Read) -> None:
        """Ask ``read`` at each scrape: for a number, or for numbers by the values of the series' labels."""
        self._read[series.name] = (series, read)

    def collect(self) -> Iterator[Metric]:
        for family in self._families():
            for sample in family.samples:
                sample.labels.update((name, self._mask(value)) for name, value in sample.labels.items() if name != "le")
            yield family

    def _families(self) -> Iterator[Metric]:
        for counted in (self._requests, self._attempts, self._payments, self._amounts):
            yield counted.family()
        yield from self._filters.families()
        for measured in (self._durations, self._upstreams, self.loop_lag):
            yield measured.family()
        for series, read in list(self._read.values()):
            try:
                yield series.family(read())
            except Exception:  # one that fails must not hide the others
                logger.exception("Metric %s cannot be read", series.name)

        yield from self._measured()

    def _measured(self) -> Iterator[Metric]:
        """Of the components in force; one that cannot say what it has costs nobody else theirs."""
        for component in self.components():
            try:
                yield from [_family(component.name, each) for each in component.measures()]
            except Exception:
                logger.exception("Measures of %s cannot be read", component.name)

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """The text that Prometheus reads, in the format that its ``accept`` header prefers, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


def _family(component: str, measure: Measure) -> Metric:
    name = f"payguard_{component}_{measure.name}"
    if measure.kind != "histogram":
        series = Series(name, measure.kind, measure.help, measure.labels)
        return series.family({labels: float(value) for labels, value in measure.values.items()})  # type: ignore[arg-type]  # one number each
    family = HistogramMetricFamily(name, measure.help, labels=measure.labels)
    names = [*map(str, measure.bounds), "+Inf"]
    for labels, slot in measure.values.items():
        *counts, total = slot  # type: ignore[misc]  # a histogram has many
        family.add_metric(labels, list(zip(names, accumulate(counts), strict=True)), total)
    return family
