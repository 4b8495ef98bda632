from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import Evidence
from gateway.testing import record
from plugins.status_url.decision import read, url_of
from plugins.status_url.options import StatusUrlConfig

URL = "http://psp/v1/payments?key={key}"
VALUES = {"paid": "succeeded", "declined": "failed", "processing": "pending", "true": "succeeded", "3": "failed"}
OURS = record()


def options(**changes: Any) -> StatusUrlConfig:
    least = {"url": URL, "status": "/status", "values": VALUES, "amount": "/amount", "currency": "/currency"}
    return StatusUrlConfig.model_validate(least | changes)


def said(document: Any, status: int = 200, **changes: Any) -> Evidence:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return read(options(**changes), OURS, status, body)


def verdict(document: Any, status: int = 200, **changes: Any) -> str:
    return said(document, status, **changes).verdict


def test_the_url_has_what_the_payment_has_percent_encoded() -> None:
    config = options(url="http://psp/{owner}/{id}?key={key}&r={request_id}&a={amount}")
    asked = record(id="p1", owner="a/b?&=é {key}", claim=b"\xab" * 32, request_id="r#1", amount=5)

    assert url_of(config, asked) == f"http://psp/a%2Fb%3F%26%3D%C3%A9%20%7Bkey%7D/p1?key={'ab' * 32}&r=r%231&a=5"


def test_nobody_is_asked_of_a_payment_that_lacks_what_the_url_names() -> None:
    assert url_of(options(), record(claim=None)) is None
    assert url_of(options(url=f"{URL}&owner={{owner}}"), record(owner=None)) is None
    assert url_of(options(url="http://psp/all", key="/key"), record(claim=None)) is None


@pytest.mark.parametrize("owner", [".", ".."])
def test_no_owner_leads_to_another_path(owner) -> None:
    config = options(url="http://psp/v1/{owner}/payments/{key}")

    assert url_of(config, record(owner=owner)) is None


def test_a_miss_by_an_id_that_nobody_was_told_proves_nothing() -> None:
    by_id = {"url": "http://psp/v1/payments/{id}"}

    assert not said(b"", 404, **by_id).by_key
    assert not said({"status": "gone"}, values={"gone": "absent"}, **by_id).by_key
    assert said({"status": "gone"}, values={"gone": "absent"}).by_key
    assert said({"status": "paid"}, **by_id).by_key


@pytest.mark.parametrize(
    ("status", "meaning"), [("paid", "succeeded"), ("declined", "failed"), (True, "succeeded"), (3, "failed")]
)
def test_a_status_is_what_the_policy_says_it_is(status, meaning) -> None:
    found = said({"status": status, "amount": 1999, "currency": "EUR"})

    assert (found.verdict, found.by_key, found.amount, found.currency) == (meaning, True, 1999, "eur")


@pytest.mark.parametrize("status", ["refunded", "", None, 1.5, [], {"a": 1}])
def test_a_status_that_means_nothing_proves_nothing(status) -> None:
    found = said({"status": status, "amount": 1999, "currency": "eur"})

    assert (found.verdict, found.by_key) == ("unknown", False)
    assert found.detail


def test_a_status_of_any_length_is_told_in_short() -> None:
    assert len(said({"status": "x" * 10_000}).detail) < 100


def test_an_amount_is_read_as_the_payments_own_is() -> None:
    paid = {"status": "paid", "amount": "19.99", "currency": "eur"}

    assert said(paid, unit="major").amount == 1999
    assert said({**paid, "amount": 1999, "currency": "jpy"}, unit="major").amount == 1999
    assert verdict(paid) == "unknown"
    assert verdict({**paid, "amount": 19.999}, unit="major") == "unknown"
    assert verdict({**paid, "currency": 978}, unit="major") == "unknown"


def test_an_amount_that_is_not_there_is_not_made_up() -> None:
    found = said({"status": "paid"})

    assert (found.verdict, found.amount, found.currency) == ("succeeded", None, None)


@pytest.mark.parametrize("status", [301, 302, 304, 400, 401, 403, 409, 429, 500, 502, 503])
def test_an_answer_that_is_none_proves_nothing(status) -> None:
    assert said({"status": "paid"}, status) == Evidence("status_url", "unknown", detail=f"answered {status}")


def test_a_404_says_that_there_is_none_unless_the_policy_says_otherwise() -> None:
    assert said(b"", 404) == Evidence("status_url", "absent", by_key=True, detail="answered 404")
    assert verdict(b"", 404, absent=[410]) == "unknown"
    assert verdict(b"", 410, absent=[410]) == "absent"


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff", b"[]", b"null", b'"paid"'])
def test_what_cannot_be_read_proves_nothing(body) -> None:
    assert verdict(body) == "unknown"


def test_an_answer_of_another_key_is_another_payments() -> None:
    paid = {"status": "paid", "metadata": {"key": OURS.key}}

    assert verdict(paid, key="/metadata/key") == "succeeded"
    assert verdict({**paid, "metadata": {"key": "cd" * 32}}, key="/metadata/key") == "unknown"
    assert verdict({"status": "paid"}, key="/metadata/key") == "unknown"


def test_of_a_list_exactly_one_must_be_ours() -> None:
    ours, other = {"key": OURS.key, "status": "paid"}, {"key": "cd" * 32, "status": "declined"}

    assert verdict({"data": [other, ours]}, items="/data", key="/key") == "succeeded"
    assert verdict({"data": [ours]}, items="/data") == "succeeded"
    assert said({"data": [ours, ours]}, items="/data", key="/key").detail == "2 payments answer to one key"
    assert verdict({"data": [ours, other]}, items="/data") == "unknown"
    assert verdict({"data": {}}, items="/data") == "unknown"
    assert verdict([ours], items="") == "succeeded"


def test_a_list_without_ours_is_a_miss_by_key_only_where_it_was_asked_for_by_key() -> None:
    assert said({"data": []}, items="/data").by_key
    missed = said({"data": []}, items="/data", key="/key", url="http://psp/v1/payments?limit=10")
    assert (missed.verdict, missed.by_key) == ("absent", False)


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["status", "amount", "currency", "a"]), inner),
)


@given(DOCUMENTS, st.sampled_from(["minor", "major"]), st.sampled_from([None, "", "/a", "/status"]))
def test_whatever_the_answer_is_it_is_read_or_proves_nothing(document, unit, items) -> None:
    found = said(document, unit=unit, items=items)

    assert found.verdict in ("succeeded", "failed", "pending", "absent", "unknown")
    assert found.by_key or found.verdict == "unknown"
