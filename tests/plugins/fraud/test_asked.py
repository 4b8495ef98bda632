"""What people ask, read and checked."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from starlette.exceptions import HTTPException

from gateway import body_of
from plugins.fraud.asked import Adding, Labelling, parameters_of, value_of

ENTRY = b'{"list": "block", "kind": "card", "value": "4242", "for": "30d", "reason": "stolen", "by": "ann"}'


def test_an_entry_is_read_with_its_time() -> None:
    assert body_of(Adding, ENTRY).for_ == 30 * 86400.0


@pytest.mark.parametrize("body", [b"{", b"[]", ENTRY.replace(b"30d", b"-1d"), ENTRY.replace(b"ann", b"ann bob")])
def test_what_is_none_is_refused_without_repeating_it(body: bytes) -> None:
    with pytest.raises(HTTPException) as refused:
        body_of(Adding, body)
    assert refused.value.status_code == 400
    assert "4242" not in refused.value.detail


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("card", " 4242 4242-4242 4242", "4242424242424242"),
        ("card", "1:" + "ab" * 12, "1:" + "ab" * 12),
        ("email", "A.da+x@googlemail.com", "ada@gmail.com"),
        ("ip", "2001:db8::1", "2001:db8::/64"),
        ("ip", "2001:db8::/64", "2001:db8::/64"),
        ("country", "DE", "de"),
        ("device", " d 1 ", "d 1"),
    ],
)
def test_a_value_is_read_as_payments_have_it(kind: str, value: str, read: str) -> None:
    assert value_of(kind, value) == read


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("card", "visa"),
        ("bin", "4242424242424242"),
        ("bin", "42424242"),
        ("country", "Germany"),
        ("ip", "10.0.0.0/8"),
        ("ip", "10.0.0.1/64"),
        ("ip", "999.1.1.1"),
        ("email", "mallory"),
        ("customer", "  "),
    ],
)
def test_what_no_payment_could_be_like_is_refused_and_not_repeated(kind: str, value: str) -> None:
    with pytest.raises(HTTPException) as refused:
        value_of(kind, value)
    assert value.strip() == "" or value not in refused.value.detail


@pytest.mark.parametrize(
    "id", ["block:email:ada@example.com", "block:bin:4242424242424242", "block:card:4242424242424242", "block:ip:1:ab"]
)
def test_an_id_that_is_no_digest_is_refused_for_it_would_be_kept_as_it_is(id: str) -> None:  # noqa: A002
    with pytest.raises(HTTPException):
        body_of(Adding, orjson.dumps({"id": id, "reason": "stolen", "by": "ann"}))
    assert body_of(Adding, orjson.dumps({"id": "block:ip:1:" + "ab" * 12, "reason": "stolen", "by": "ann"})).id


def test_labels_come_at_least_one_at_a_time() -> None:
    with pytest.raises(HTTPException, match="labels"):
        body_of(Labelling, b'{"labels": [], "by": "ann"}')


@pytest.mark.parametrize(
    "items", [[("limit", "0")], [("limit", "501")], [("limit", "x")], [("a", "1")], [("b", "1")] * 2]
)
def test_parameters_are_known_and_given_once(items: Any) -> None:
    with pytest.raises(HTTPException):
        parameters_of(items, ("limit", "b"))
