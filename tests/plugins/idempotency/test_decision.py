from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import Body, Received, State
from gateway.ledger.records import Change
from plugins.idempotency.decision import (
    Repeat,
    generated_keys,
    is_near,
    judge,
    key_of,
    signed,
    spellings,
)
from plugins.idempotency.problems import InvalidKey

HEADER = "idempotency-key"
SAME = ("1:aa",)


def key(*values: str, name: str = HEADER) -> str:
    return key_of([(name.encode(), value.encode("latin-1")) for value in values], HEADER)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (r'"a\"b\\c"', r"a\"b\c".replace(r"\"", '"')),
        ("order,5", "order,5"),
        ('a"b', 'a"b'),
        ("x" * 255, "x" * 255),
        ('"' + "x" * 255 + '"', "x" * 255),
        ("  a\t", "a"),
    ],
)
def test_a_key_is_a_bare_word_or_a_quoted_string_and_both_are_the_same(value, expected) -> None:
    assert key(value) == expected


@pytest.mark.parametrize(
    "value",
    ["", " ", '""', '"', '"a', 'a"b" c', '"a"; b=1', '"a" "b"', r'"a\b"', '"a b"', "a b", "a, b", "é", "a\x7f"],
)
def test_anything_else_is_no_key(value) -> None:
    with pytest.raises(InvalidKey) as refused:
        key(value)
    assert (refused.value.status, refused.value.code) == (400, "invalid_idempotency_key")


@pytest.mark.parametrize("value", ["x" * 256, '"' + "x" * 256 + '"'], ids=["bare", "quoted"])
def test_a_key_has_at_most_255_characters(value) -> None:
    with pytest.raises(InvalidKey, match="1 to 255 visible characters"):
        key(value)


def test_a_key_that_is_sent_twice_is_refused_also_where_it_is_the_same_twice() -> None:
    with pytest.raises(InvalidKey, match="Send idempotency-key once, spelled so"):
        key("a", "a")


def test_a_spelling_that_cgi_folds_into_the_header_is_refused() -> None:
    assert spellings("x-idempotency-key") == {
        b"x-idempotency-key",
        b"x_idempotency-key",
        b"x-idempotency_key",
        b"x_idempotency_key",
    }
    with pytest.raises(InvalidKey, match="spelled so"):
        key("a", name="idempotency_key")


def received(method="POST", target=b"/v1/payments", body=b"{}") -> Received:
    return Received(method, target, (), Body(body), "203.0.113.7", "10.0.0.9", "http")


requests = st.tuples(st.text("AB1:", max_size=4), st.binary(max_size=5), st.binary(max_size=5), st.binary(max_size=5))


@given(requests, requests)
def test_two_requests_are_the_same_only_where_every_part_of_them_is(one, other) -> None:
    first, second = (
        signed(received(method, target, body), [content_type]) for method, target, content_type, body in (one, other)
    )
    assert (first == second) == (one == other)


def test_the_content_type_is_part_of_a_request_and_its_absence_too() -> None:
    bodies = [signed(received(), types) for types in ([], [b"application/json"], [b"text/plain"])]

    assert len(set(bodies)) == 3


@pytest.mark.parametrize(
    ("state", "met"),
    [
        (State.ACCEPTED, Repeat.ACCEPTED),
        (State.HELD, Repeat.ACCEPTED),
        (State.RESERVED, Repeat.IN_FLIGHT),
        (State.SENT, Repeat.IN_FLIGHT),
        (State.PENDING, Repeat.ANSWERED),
        (State.SUCCEEDED, Repeat.ANSWERED),
        (State.FAILED, Repeat.ANSWERED),
        (State.IN_DOUBT, Repeat.IN_DOUBT),
        (State.UNRESOLVED, Repeat.IN_DOUBT),
        (State.RELEASED, Repeat.FREE),
    ],
)
def test_each_state_means_one_thing_for_a_repeat(record, state, met) -> None:
    assert judge(record(state=state, lease_until=200.0), SAME, now=100.0) is met


@pytest.mark.parametrize("state", State)
def test_another_request_under_the_same_key_is_told_so_in_every_state(record, state) -> None:
    assert judge(record(state=state, lease_until=0.0), ["1:bb"], now=100.0) is Repeat.ANOTHER_REQUEST


@pytest.mark.parametrize("state", State)
def test_where_the_salt_of_a_fingerprint_is_gone_nobody_is_executed_in_any_state(record, state) -> None:
    met = judge(record(state=state, fingerprint="old:aa", lease_until=0.0), ["1:aa", "2:aa"], now=100.0)

    assert met is Repeat.SALT_MISSING


def test_a_fingerprint_under_an_older_salt_that_is_still_known_is_recognised(record) -> None:
    assert judge(record(fingerprint="old:aa"), ["new:cc", "old:aa"], now=100.0) is Repeat.ANSWERED
    assert judge(record(fingerprint="old:bb"), ["new:cc", "old:aa"], now=100.0) is Repeat.ANOTHER_REQUEST


def test_an_expired_reservation_is_free_and_an_expired_sent_never_is(record) -> None:
    assert judge(record(state=State.RESERVED, lease_until=100.0), SAME, now=100.0) is Repeat.FREE
    assert judge(record(state=State.SENT, lease_until=100.0), SAME, now=1e9) is Repeat.IN_FLIGHT


def test_what_was_accepted_and_is_about_to_be_sent_is_still_accepted_and_never_free(record) -> None:
    about = record(state=State.RESERVED, lease_until=50.0, accepted_until=500.0)

    assert judge(about, SAME, now=100.0) is Repeat.ACCEPTED


@pytest.mark.parametrize("by", ["recovery", "status_url", "human:ada"])
def test_what_somebody_else_knew_has_no_answer_that_says_it(record, by) -> None:
    history = (Change(1.0, State.PENDING, "gateway"), Change(2.0, State.SUCCEEDED, by))

    assert judge(record(history=history), SAME, now=100.0) is Repeat.SETTLED


@pytest.mark.parametrize("by", ["gateway", "drainer"])
def test_what_the_upstream_answered_us_has(record, by) -> None:
    history = (Change(1.0, State.IN_DOUBT, "recovery"), Change(2.0, State.SUCCEEDED, by))

    assert judge(record(history=history), SAME, now=100.0) is Repeat.ANSWERED


def test_a_generated_key_is_the_same_within_a_window_and_its_neighbours_are_looked_at() -> None:
    first, near = generated_keys(["1:aa"], now=1000.0, within=600.0)
    later, _ = generated_keys(["1:aa"], now=1199.0, within=600.0)
    next_one, near_next = generated_keys(["1:aa"], now=1200.0, within=600.0)

    assert first == later
    assert first in near_next
    assert next_one in near
    assert len({first, *near}) == 3


def test_a_generated_key_is_looked_for_under_every_live_salt() -> None:
    old, _ = generated_keys(["old:aa"], now=1000.0, within=600.0)
    _, near = generated_keys(["new:bb", "old:aa"], now=1000.0, within=600.0)

    assert old in near


def test_a_generated_key_is_none_that_a_client_can_send() -> None:
    with pytest.raises(InvalidKey):
        key(generated_keys(["1:aa"], now=1000.0, within=600.0)[0])


@pytest.mark.parametrize(
    ("known", "near"),
    [
        ({"created_at": 500.0}, True),
        ({"created_at": 400.0}, False),
        ({"created_at": 100.0, "sent_at": 500.0}, True),
        ({"created_at": 1500.0}, True),
        ({"created_at": 500.0, "state": State.RELEASED}, False),
        ({"created_at": 500.0, "state": State.FAILED}, True),
    ],
    ids=["came lately", "came long ago", "was sent lately", "by a clock that is ahead", "was released", "has failed"],
)
def test_what_may_have_been_executed_within_the_time_is_near(record, known, near) -> None:
    assert is_near(record(**known), now=1000.0, within=600.0) is near
