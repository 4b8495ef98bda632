from __future__ import annotations

import pytest

from gateway.exchange import Attempt, Delivery, Step
from gateway.facts import Payment
from gateway.messages import Response
from gateway.parts import Component, Config, Measure
from gateway.telemetry.masking import Masking
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.series import Series
from gateway.testing import scope
from tests.gateway.telemetry.exchanges import ended


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_an_exchange_counts_by_route_method_status_and_result():
    metrics = Metrics()
    for response in (Response(200), Response(200), Response(402), Response(503), None):
        metrics.ended(ended(response=response))
    counted = {
        (status, result): value(
            metrics, "payguard_requests_total", route="create-payment", method="POST", status=status, result=result
        )
        for status, result in [("200", "success"), ("402", "success"), ("503", "failure"), ("none", "failure")]
    }
    assert list(counted.values()) == [2, 1, 1, 1]


def test_methods_and_routes_that_nobody_named_share_a_label():
    metrics = Metrics()
    metrics.ended(ended(method="BREW", route=""))
    assert (
        value(metrics, "payguard_requests_total", route="unmatched", method="other", status="201", result="success")
        == 1
    )


def test_durations_are_those_of_the_exchange_and_of_its_attempts():
    metrics = Metrics()
    metrics.ended(ended())
    assert value(metrics, "payguard_request_duration_seconds_sum", route="create-payment") == pytest.approx(0.0125)
    assert value(metrics, "payguard_request_duration_seconds_bucket", route="create-payment", le="0.01") == 0
    assert value(metrics, "payguard_request_duration_seconds_bucket", route="create-payment", le="0.025") == 1
    assert value(metrics, "payguard_upstream_duration_seconds_sum", upstream="backend") == pytest.approx(0.0105)


def test_each_attempt_counts_by_its_answer_or_its_failure():
    metrics = Metrics()
    attempts = [Attempt(1, 0.0, 0.1, error="upstream_timeout"), Attempt(2, 0.2, 0.3, status=200)]
    metrics.ended(ended(attempts=attempts))
    assert value(metrics, "payguard_attempts_total", upstream="backend", result="upstream_timeout") == 1
    assert value(metrics, "payguard_attempts_total", upstream="backend", result="2xx") == 1


def test_filters_count_their_decisions_and_their_time():
    metrics = Metrics()
    steps = [Step("fraud", "shadow", "would_refuse", 0.25), Step("principal", "enforce", "passed", 0.5)]
    metrics.ended(ended(steps=steps))
    metrics.ended(ended(steps=steps))
    labels = {"route": "create-payment", "filter": "fraud", "mode": "shadow", "decision": "would_refuse"}
    assert value(metrics, "payguard_filter_decisions_total", **labels) == 2
    assert value(metrics, "payguard_filter_seconds_total", **labels) == 0.5


def test_payments_count_by_outcome_and_their_amounts_by_currency():
    metrics = Metrics()
    payment = Payment("payment.create", amount=1999, currency="eur")
    metrics.ended(ended(facts=(payment,)))
    metrics.ended(ended(facts=(payment,), delivery=Delivery.UNKNOWN))
    metrics.ended(ended(facts=(Payment("payment.create"),)))
    metrics.ended(ended(facts=(payment,), operation=None))
    create = {"operation": "payment.create"}
    assert value(metrics, "payguard_payments_total", **create, outcome="succeeded") == 2
    assert value(metrics, "payguard_payments_total", **create, outcome="in_doubt") == 1
    amounts = [
        value(metrics, "payguard_payment_amount_minor_total", **create, currency="eur", outcome=outcome)
        for outcome in ("succeeded", "in_doubt")
    ]
    assert amounts == [1999, 1999]


def test_a_replay_moves_no_money():
    metrics = Metrics()
    payment = Payment("payment.create", amount=1999, currency="eur")
    metrics.ended(ended(facts=(payment,), attempts=[], delivery=Delivery.UNSENT))
    labels = {"operation": "payment.create", "currency": "eur", "outcome": "succeeded"}
    assert value(metrics, "payguard_payment_amount_minor_total", **labels) is None


def test_readings_are_asked_for_at_each_scrape_and_replaced_by_name():
    metrics = Metrics()
    series = Series("plugin_queue", "gauge", "What waits.")
    numbers = iter([1, 2])
    metrics.read(series, lambda: 7)
    metrics.read(series, lambda: next(numbers))
    assert [value(metrics, "plugin_queue"), value(metrics, "plugin_queue")] == [1, 2]


def test_a_reading_that_fails_hides_no_other(caplog):
    metrics = Metrics()
    metrics.read(Series("broken", "gauge", "Broken."), lambda: 1 / 0)
    metrics.read(Series("whole", "gauge", "Whole."), lambda: 1)
    assert value(metrics, "whole") == 1
    assert "Metric broken cannot be read" in caplog.text


def test_the_process_is_measured():
    metrics = Metrics()
    assert value(metrics, "process_resident_memory_bytes") > 1 << 20
    assert value(metrics, "process_cpu_seconds_total") > 0
    assert value(metrics, "process_open_fds") > 0


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [("", "text/plain"), ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text")],
)
def test_the_text_is_in_the_format_that_was_asked_for(accept, content_type):
    metrics = Metrics()
    metrics.ended(ended())
    text, given = metrics.exposition(accept)
    assert given.startswith(content_type)
    assert b'payguard_requests_total{method="POST",result="success",route="create-payment",status="201"} 1.0' in text


class Shelf(Component[Config]):
    name = "shelf"

    def measures(self):
        return (
            Measure("books", "gauge", "Books.", ("room",), {("attic",): 3.0}),
            Measure("age", "histogram", "Ages.", ("room",), {("attic",): (2, 1, 4, 99.5)}, bounds=(1.0, 10.0)),
        )


class Broken(Component[Config]):
    name = "broken"

    def measures(self):
        raise RuntimeError("no")


def test_what_components_measure_is_shown_and_one_that_cannot_say_costs_no_other(caplog):
    metrics = Metrics()
    metrics.components = lambda: [Broken(Config(), scope()), Shelf(Config(), scope())]
    assert value(metrics, "payguard_shelf_books", room="attic") == 3
    buckets = [value(metrics, "payguard_shelf_age_bucket", room="attic", le=le) for le in ("1.0", "10.0", "+Inf")]
    assert (buckets, value(metrics, "payguard_shelf_age_sum", room="attic")) == ([2, 3, 7], 99.5)
    assert "Measures of broken cannot be read" in caplog.text


def test_the_values_of_labels_are_masked():
    metrics = Metrics(Masking().text)
    exchange = ended()
    exchange.steps = [Step("4111111111111111", "enforce", "passed", 0.5)]
    exchange.upstream, exchange.attempts = "b", [Attempt(1, 1.0, 1.5, Delivery.ANSWERED, 200)]
    metrics.ended(exchange)
    text = metrics.exposition()[0].decode()
    assert 'filter="[card *1111]"' in text
    assert "4111111111111111" not in text
    assert 'le="0.001"' in text
