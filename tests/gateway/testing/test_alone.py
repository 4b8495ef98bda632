from __future__ import annotations

import pytest

from gateway import Body, Component, Config, Payment
from gateway.testing import exchange, scope, streaming


def test_an_exchange_is_as_a_filter_would_see_it() -> None:
    made = exchange("PUT", "/v1/a", query="b=c", headers={"X-Tag": "é"}, json={"amount": 1}, client="203.0.113.9")

    assert (made.received.method, made.received.target, made.received.client) == ("PUT", b"/v1/a?b=c", "203.0.113.9")
    assert made.received.headers == ((b"x-tag", b"\xe9"), (b"content-type", b"application/json"))
    assert (made.request.path, made.request.query, made.request.json()) == ("/v1/a", "b=c", {"amount": 1})
    assert made.request.body is made.received.body
    assert not made.received.trusted


def test_what_a_filter_changes_is_not_what_was_received() -> None:
    made = exchange(headers={"x-tag": "1"})
    made.request.headers["x-tag"] = "2"

    assert made.received.headers == ((b"x-tag", b"1"),)


def test_an_exchange_may_bring_facts() -> None:
    payment = Payment("payment.create", 1000, "eur")

    assert exchange(facts=[payment]).require(Payment) is payment


async def test_a_streaming_body_arrives_piece_by_piece() -> None:
    body = streaming(b"a", b"b", length=2)

    assert (body.data, body.length) == (None, 2)
    assert [chunk async for chunk in body.chunks()] == [b"a", b"b"]
    assert isinstance(body, Body)


def test_time_passes_only_by_hand() -> None:
    lent = scope()
    now, monotonic = lent.clock.now(), lent.clock.monotonic()
    lent.clock.advance(5)

    assert (lent.clock.now() - now, lent.clock.monotonic() - monotonic) == (pytest.approx(5), 5)


async def test_background_work_can_be_waited_for_and_its_failure_is_raised() -> None:
    done = []

    async def work(result: int) -> None:
        done.append(1 / result)

    lent = scope()
    assert lent.tasks.start(work(1), name="good")
    await lent.tasks.done()
    assert done == [1.0]

    lent.tasks.start(work(0), name="bad")
    with pytest.raises(ZeroDivisionError):
        await lent.tasks.done()


async def test_background_work_is_refused_where_the_test_says_so() -> None:
    async def work() -> None:
        raise AssertionError

    lent = scope()
    lent.tasks.full = True
    assert not lent.tasks.start(work(), name="refused")
    await lent.tasks.done()


def test_secrets_are_those_of_the_test() -> None:
    assert scope(secrets={"env:KEY": "s3cret"}).secret("env:KEY") == "s3cret"
    with pytest.raises(ValueError, match="env:OTHER names no secret"):
        scope().secret("env:OTHER")


def test_equal_options_share_one_object() -> None:
    class Options(Config):
        word: str

    lent, asked = scope(), []

    def make() -> object:
        asked.append(made := object())
        return made

    made = lent.share(Options(word="a"), make)

    assert lent.share(Options(word="a"), make) is made
    assert lent.share(Options(word="b"), make) is not made
    assert len(asked) == 2


def test_a_component_is_found_by_its_class() -> None:
    class Rates(Component[Config]):
        name = "rates"

    rates = Rates(Config(), scope())
    assert scope(components=[rates]).component(Rates) is rates


async def test_entries_of_the_audit_trail_are_in_the_hand_of_the_test() -> None:
    lent = scope()
    await lent.audit("vault.reveal", subject="tok_1", principal="ann", route="egress")
    said = {"action": "vault.reveal", "subject": "tok_1", "outcome": "done", "principal": "ann", "ip": None}
    assert lent.audited == [{**said, "detail": {"route": "egress"}}]
