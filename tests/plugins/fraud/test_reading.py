"""From a request to an event."""

from __future__ import annotations

from typing import Any

import pytest

from gateway import Card, Payment
from gateway.testing import HandScope, exchange
from plugins.fraud.digests import Digests
from plugins.fraud.event import Event
from plugins.fraud.options import FactsConfig
from plugins.fraud.reading import Named, Reader, network_of

FACTS = {
    "device": "header:X-Device",
    "merchant": "/shop/id",
    "country": "/country",
    "card_country": "/card/country",
    "account_created": "/since",
}


def read(body: Any = None, /, headers: Any = (), facts: dict[str, str] = FACTS, **payment: Any) -> tuple[Event, Named]:
    made = exchange("POST", "/v1/payments", json={} if body is None else body, headers=headers)
    made.put(Payment("payment.create", **payment))
    return Reader(FactsConfig.model_validate(facts), Digests(HandScope()))(made, "e1", 1.0)


def test_facts_are_read_from_where_the_policy_says() -> None:
    body = {"shop": {"id": 7}, "country": "DE", "card": {"country": "us"}, "since": "2025-10-09T12:00:00Z"}
    card = Card("1:" + "ab" * 32, "424242", "4242")
    event, named = read(body, {"x-device": "d1"}, customer="c", email="A.da@gmail.com", card=card, amount=5)

    assert (event.id, event.at, event.amount, event.country, event.card_country) == ("e1", 1.0, 5, "de", "us")
    assert (event.bin, event.account_created_at) == ("424242", 1_760_011_200.0)
    assert (named.merchant, named.device, named.email) == ("7", "d1", "ada@gmail.com")
    assert None not in event.keys
    assert event.mail is not None
    assert event.mail.free == 1.0
    assert not {"c", "d1", "7", "ada@gmail.com"} & {str(each) for each in event}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"shop": None, "country": "Germany", "card": "4242", "since": "long ago"},
        {"shop": {"id": {}}, "country": 5, "since": True},
        {"shop": {"id": ""}, "country": "1a", "since": [1]},
        [],
    ],
)
def test_what_is_not_there_or_not_readable_is_none(body: Any) -> None:
    event, _ = read(body)

    assert event[6:10] == (None, None, None, event.ip)
    assert (event.merchant, event.country, event.card_country, event.account_created_at) == (None,) * 4


def test_a_moment_may_be_a_number() -> None:
    assert [read({"since": each})[0].account_created_at for each in (5, 5.5, "6", "2025-10-09T12:00:00")] == [
        5.0,
        5.5,
        6.0,
        1_760_011_200.0,
    ]


def test_the_body_is_read_only_where_a_fact_stands_in_it() -> None:
    assert not Reader(FactsConfig(device="header:x-device"), Digests(HandScope())).reads_body
    assert Reader(FactsConfig(merchant="/shop"), Digests(HandScope())).reads_body


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
    ],
)
def test_addresses_count_by_what_one_customer_has(client: str, network: str) -> None:
    assert network_of(client) == network
