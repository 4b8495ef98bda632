from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.keyring import Allowance, LocalKeyring
from gateway.crypto.protocol import Unreadable
from gateway.errors import CannotSeal
from gateway.ledger.bodies import MOST, STORED, Bodies, HoldsCode
from gateway.ledger.records import Record, State

KEYRING = LocalKeyring.parse("00" * 32)
BODY = b'{"id": "pi_1", "status": "paid"}'

OF_THIS_ANSWER = [(b"content-type", b"application/json"), (b"location", b"/v1/payments/pi_1"), (b"etag", b'"a"')]
NOT_OF_A_REPEAT = [
    (b"set-cookie", b"session=1"),
    (b"date", b"Mon, 23 Nov 2026 03:28:24 GMT"),
    (b"x-request-id", b"r1"),
    (b"traceparent", b"00-1-1-01"),
    (b"server-timing", b"db;dur=53"),
    (b"content-length", b"32"),
    (b"transfer-encoding", b"chunked"),
    (b"connection", b"keep-alive, X-Hop"),
    (b"keep-alive", b"timeout=5"),
    (b"x-hop", b"1"),
]

text = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF), min_size=1)
headers = st.lists(
    st.tuples(st.from_regex(rb"x-[a-z0-9]{1,9}", fullmatch=True), text.map(lambda t: t.encode("latin-1")))
)


def record(**changes) -> Record:
    nothing = dict.fromkeys((field.name for field in fields(Record)), None)
    known = {"id": "abc", "state": State.SUCCEEDED, "history": (), "trail": {}}
    return replace(Record(**(nothing | known)), **changes)


@given(status=st.integers(100, 599), headers=headers, body=st.binary(max_size=999))
def test_an_answer_comes_back_as_it_was(status, headers, body) -> None:
    bodies = Bodies(KEYRING, "shop")
    answer = bodies.open_answer(record(answer=bodies.answer("abc", status, headers, body)))

    assert answer is not None
    assert (answer.status, answer.headers.raw, answer.body.data) == (status, headers, body)


@given(target=text, headers=headers, body=st.binary(max_size=999))
def test_a_request_comes_back_as_it_was(target, headers, body) -> None:
    bodies = Bodies(KEYRING, "shop")
    request = bodies.open_request(record(request=bodies.request("abc", "POST", f"/{target}?", headers, body)))

    assert request is not None
    assert (request.method, request.target, list(request.headers), request.body) == (
        "POST",
        f"/{target}?",
        headers,
        body,
    )


def test_of_an_answer_nothing_is_kept_that_means_nothing_in_a_repeat() -> None:
    bodies = Bodies(KEYRING, "shop")
    answer = bodies.open_answer(record(answer=bodies.answer("abc", 201, [*NOT_OF_A_REPEAT, *OF_THIS_ANSWER], BODY)))

    assert answer is not None
    assert answer.headers.raw == OF_THIS_ANSWER


def test_of_a_request_no_credential_is_kept_and_nothing_that_the_policy_names() -> None:
    bodies = Bodies(KEYRING, "shop", leave_out=[b"x-session"])
    credentials = [(b"authorization", b"Bearer a"), (b"cookie", b"a=1"), (b"proxy-authorization", b"Basic a")]
    sent = [*credentials, (b"x-session", b"1"), (b"te", b"trailers"), (b"idempotency-key", b"c0ffee")]
    request = bodies.open_request(record(request=bodies.request("abc", "POST", "/v1/payments", sent, BODY)))

    assert request is not None
    assert request.headers == [(b"idempotency-key", b"c0ffee")]


def test_what_is_kept_cannot_be_read_in_the_table() -> None:
    bodies = Bodies(KEYRING, "shop")
    for sealed in (bodies.answer("abc", 201, OF_THIS_ANSWER, BODY), bodies.request("abc", "POST", "/", (), BODY)):
        assert sealed is not None
        assert b"pi_1" not in sealed


def test_without_a_keyring_nothing_is_kept() -> None:
    bodies = Bodies(None, "shop")

    assert bodies.answer("abc", 201, OF_THIS_ANSWER, BODY) is None
    assert bodies.request("abc", "POST", "/", (), BODY) is None
    assert bodies.open_answer(record()) is None
    assert bodies.open_request(record()) is None


def test_what_is_too_large_is_not_kept_and_its_headers_count() -> None:
    bodies = Bodies(KEYRING, "shop", most=100)

    assert bodies.answer("abc", 201, [(b"a", b"b")], b"x" * 87) is not None
    assert bodies.answer("abc", 201, [(b"a", b"b")], b"x" * 88) is None
    assert bodies.answer("abc", 201, [(b"a", b"b" * 100)], b"") is None
    assert Bodies(KEYRING, "shop").request("abc", "POST", "/", (), b"x" * MOST) is None


def test_a_header_that_would_become_another_is_not_kept() -> None:
    assert Bodies(KEYRING, "shop").answer("abc", 201, [(b"a", b"b\r\nset-cookie: c")], BODY) is None


@pytest.mark.parametrize(
    ("tenant", "changes"),
    [("shop", {"id": "abd"}), ("shop2", {}), ("sho", {"id": "pabc"}), ("shop", {"answer": None, "request": "answer"})],
    ids=["of another payment", "of another tenant", "with the limit between them moved", "of another kind"],
)
def test_what_was_moved_does_not_open(tenant, changes) -> None:
    sealed = Bodies(KEYRING, "shop").answer("abc", 201, OF_THIS_ANSWER, BODY)
    moved = record(answer=sealed)
    moved = replace(moved, **{name: sealed if value == "answer" else value for name, value in changes.items()})
    bodies = Bodies(KEYRING, tenant)

    with pytest.raises(Unreadable, match="it was changed, or belongs elsewhere"):
        bodies.open_request(moved) if moved.request else bodies.open_answer(moved)


def test_what_cannot_be_opened_says_which_key_is_missing() -> None:
    kept = record(answer=Bodies(LocalKeyring.parse(f"old:{'11' * 32}"), "shop").answer("abc", 201, (), BODY))

    with pytest.raises(Unreadable, match="sealed with the key old, which this gateway does not have"):
        Bodies(KEYRING, "shop").open_answer(kept)
    with pytest.raises(Unreadable, match="no ENCRYPTION_KEY"):
        Bodies(None, "shop").open_answer(kept)


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored.name)
def test_what_is_stored_sealed_is_bound_so_that_a_newer_key_can_seal_it(stored) -> None:
    both = LocalKeyring.parse(f"new:{'ff' * 32},1:{'00' * 32}")
    bodies, with_both = Bodies(KEYRING, "shop"), Bodies(both, "shop")
    request = bodies.request("abc", "POST", "/", [], BODY)
    sealed = bodies.answer("abc", 200, [], BODY) if stored.column == "answer" else request
    again = stored.anew(both, "shop", {stored.id: "abc", stored.column: sealed})
    opened = with_both.open_answer(record(answer=again)) if stored.column == "answer" else None
    asked = with_both.open_request(record(request=again)) if stored.column == "request" else None

    assert both.key_of(again) == "new"
    assert BODY in [None if opened is None else opened.body.data, None if asked is None else asked.body]


def test_what_holds_a_security_code_is_not_kept_not_even_sealed() -> None:
    bodies = Bodies(KEYRING, "shop")
    with pytest.raises(HoldsCode):
        bodies.request("abc", "POST", "/v1/payments", (), b'{"card": {"number": "tok_1", "cvc": "123"}}')
    with pytest.raises(HoldsCode):
        bodies.request("abc", "POST", "/v1/payments?cvc=123", (), b"")
    with pytest.raises(HoldsCode):
        bodies.answer("abc", 200, [(b"x-cvc", b"123")], b"{}")
    assert bodies.answer("abc", 200, (), b'{"checks": {"cvc_check": "pass"}}') is not None


def test_where_no_key_may_seal_any_more_a_request_is_refused_and_an_answer_not_kept() -> None:
    keyring = LocalKeyring.parse("00" * 32)
    keyring.meter(Allowance(1))
    bodies = Bodies(keyring, "shop")

    assert bodies.answer("abc", 200, [], BODY) is not None
    assert bodies.answer("abc", 200, [], BODY) is None
    with pytest.raises(CannotSeal) as refused:
        bodies.request("abc", "POST", "/", [], BODY)
    assert (refused.value.status, refused.value.code) == (503, "cannot_encrypt")
