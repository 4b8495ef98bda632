from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from gateway import Body, Delivery, Principal, Response
from gateway.testing import exchange


def test_a_fact_is_found_by_its_type() -> None:
    made = exchange()
    assert made.get(Principal) is None
    made.put(Principal("shop"))

    assert made.get(Principal) == made.require(Principal) == Principal("shop")
    assert list(made.facts) == [Principal("shop")]


def test_notes_are_signed_with_the_filter_that_runs() -> None:
    made = exchange()
    made.current = "fraud"
    made.note("scored", points=65)

    [note] = made.notes
    assert (note.filter, note.code, note.detail) == ("fraud", "scored", {"points": 65})


async def test_calls_are_taken_once_and_in_order() -> None:
    made, called = exchange(), []

    def calling(name: str) -> Callable[[], Awaitable[None]]:
        async def call() -> None:
            called.append(name)

        return call

    for name in ("a", "b"):
        made.before_send(calling(name))
        made.at_end(calling(f"end {name}"))
    for call in (*made.take_before_send(), *made.take_before_send(), *made.take_at_end(), *made.take_at_end()):
        await call()

    assert called == ["a", "b", "end a", "end b"]


@pytest.mark.parametrize(
    ("method", "delivery", "declared", "again"),
    [
        ("POST", Delivery.UNSENT, False, True),
        ("POST", Delivery.UNKNOWN, False, False),
        ("POST", Delivery.ANSWERED, False, False),
        ("POST", Delivery.UNKNOWN, True, True),
        ("GET", Delivery.UNKNOWN, False, True),
        ("DELETE", Delivery.UNKNOWN, False, False),
        ("PUT", Delivery.UNKNOWN, False, False),
    ],
)
def test_what_may_be_sent_again(method, delivery, declared, again) -> None:
    made = exchange(method)
    made.delivery = delivery
    made.resendable = lambda _: declared

    assert made.may_resend() is again


def test_nothing_done_to_a_copy_of_an_exchange_reaches_it() -> None:
    made = exchange(json={"a": 1}, facts=[Principal("shop")])
    copy = made.copy()
    copy.request.edit("/a", 2)
    copy.put(Principal("root"))
    copy.note("seen")

    assert made.request.json() == {"a": 1}
    assert made.require(Principal) == Principal("shop")
    assert made.notes == []
    assert copy.received is made.received


def test_the_answer_is_the_response() -> None:
    made = exchange()
    made.response = Response(201, body=Body(b""))

    assert made.answer.status == 201
