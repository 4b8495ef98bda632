from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.errors import UpstreamUnreachable
from gateway.exchange import Attempt, Delivery, Note, Step
from gateway.facts import Principal
from gateway.outcomes import Outcome
from gateway.telemetry.masking import Masking
from gateway.telemetry.records import record
from gateway.telemetry.template import Template
from tests.gateway.telemetry.exchanges import ended

TS = "2026-11-23T00:00:00.000000Z"


def written(exchange: Any, outcome: Outcome | None = None, masking: Masking | None = None) -> dict[str, Any] | None:
    line = Template(masking or Masking()).line(exchange, TS, "info", outcome)
    return None if line is None else orjson.loads(line)


def documented(exchange: Any, outcome: Outcome | None = None) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(orjson.dumps(record(exchange, TS, "info", outcome, Masking())))
    return document


def everything() -> Any:
    exchange = ended()
    exchange.operation = "payment.create"
    exchange.upstream = "backend"
    exchange.put(Principal("o'\"brien\\"))
    exchange.attempts = [
        Attempt(1, 1.0, 1.0251, Delivery.UNSENT, None, "upstream_unreachable"),
        Attempt(2, 2.0, 2.1, Delivery.ANSWERED, 200, None),
    ]
    exchange.steps = [
        Step("principal", "enforce", "passed", 0.0000123),
        Step("fraud", "shadow", "would_refuse", 0.1, "x"),
    ]
    exchange.error = UpstreamUnreachable()
    return exchange


@pytest.mark.parametrize("delivery", list(Delivery))
@pytest.mark.parametrize("outcome", [None, Outcome.IN_DOUBT])
def test_the_line_says_what_the_record_says_and_in_its_order(delivery: Delivery, outcome: Outcome | None) -> None:
    exchange = everything()
    exchange.delivery = delivery
    line = written(exchange, outcome)
    assert line == documented(exchange, outcome)
    assert line is not None
    assert list(line) == list(documented(exchange, outcome))


def test_an_exchange_with_nothing_to_say_has_a_short_line() -> None:
    exchange = ended()
    assert written(exchange) == documented(exchange)


def test_an_exchange_without_an_answer_has_none() -> None:
    exchange = ended()
    exchange.response = None
    assert written(exchange) == documented(exchange)


@given(some.text(max_size=40))
def test_a_name_from_outside_is_written_as_json_writes_it_or_looked_at_closely(name: str) -> None:
    exchange = ended()
    exchange.put(Principal(name))
    line = written(exchange)
    assert line is None or line == documented(exchange)


@pytest.mark.parametrize(
    "secret", ["4242424242424242", "4242 4242 4242 4242", "sk_live_abcdefghijklmnop", "Bearer abcdefghij", "hush-hush"]
)
def test_what_may_be_secret_is_looked_at_closely(secret: str) -> None:
    masking = Masking()
    masking.add_secret("hush-hush")
    exchange = ended()
    exchange.put(Principal(secret))
    assert written(exchange, masking=masking) is None


def test_a_secret_that_becomes_known_later_is_looked_at_closely_from_then_on() -> None:
    masking = Masking()
    template = Template(masking)
    exchange = ended()
    exchange.put(Principal("hush-hush"))
    assert template.line(exchange, TS, "info", None) is not None
    masking.add_secret("hush-hush")
    assert template.line(exchange, TS, "info", None) is None


@pytest.mark.parametrize("target", [b"/a%20b", b'/a"b', b"/a\\b", b"/pay/4242424242424242"])
def test_an_odd_path_is_looked_at_closely(target: bytes) -> None:
    exchange = ended()
    exchange.received = exchange.received._replace(target=target)
    assert written(exchange) is None


def test_a_note_that_is_a_word_is_written_as_it_is_and_one_that_says_more_is_looked_at_closely() -> None:
    exchange = ended()
    exchange.notes.append(Note("cache", "cache_miss"))
    found = written(exchange)
    assert found is not None
    assert found["notes"] == [{"filter": "cache", "code": "cache_miss"}]
    exchange.notes.append(Note("fraud", "score", {"points": 3}))
    assert written(exchange) is None


def test_an_id_that_a_proxy_gave_is_no_more_trusted_than_any_text() -> None:
    exchange = ended()
    exchange.received = exchange.received._replace(trusted=True)
    exchange.id = "4242424242424242"
    assert written(exchange) is None
