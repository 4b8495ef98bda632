"""Subjects: what of a request is counted by."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gateway import Card, Payment, Principal
from gateway.testing import exchange, scope
from plugins.rate_limit.subjects import allowed, block_key, digests, needs, network_of, subject_of

PAYMENT = Payment("payment.create", customer="cus_1", email=" Ada@Example.com", card=Card("1:ff", "424242", "4242"))


@dataclass(frozen=True)
class Device:
    id: int


@pytest.mark.parametrize(
    ("per", "value"),
    [
        ("user", "ada"),
        ("ip", "203.0.113.7"),
        ("card", "1:ff"),
        ("email", "ada@example.com"),
        ("customer", "cus_1"),
        ("header:X-Key", "a, b"),
        ("fact:Device.id", "7"),
    ],
)
def test_each_is_told_from_the_request(per, value) -> None:
    made = exchange(headers=[("x-key", "a"), ("X-Key", "b")], facts=[Principal("ada"), PAYMENT, Device(7)])
    assert subject_of(per)(made) == value


@pytest.mark.parametrize("per", ["user", "card", "email", "customer", "header:X-Key", "fact:Device.id", "fact:Card.x"])
def test_where_it_is_not_known_there_is_none(per) -> None:
    assert subject_of(per)(exchange()) is None
    assert subject_of("card")(exchange(facts=[Payment("payment.create")])) is None


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff%eth0", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("unix:", "unix:"),
    ],
)
def test_ipv6_is_counted_by_the_network_of_a_customer(client, network) -> None:
    assert network_of(client) == network


def test_an_allow_list_holds_values_and_of_addresses_networks() -> None:
    within = allowed("ip", ["10.0.0.0/8", "2001:db8:1:2::1"])
    assert [within(each) for each in ("10.1.2.3", "11.0.0.1", "2001:db8:1:2::/64", "2001:db8:1:3::/64", "unix:")] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert [allowed("user", ["svc"])(each) for each in ("svc", "ada")] == [True, False]


def test_a_value_is_known_by_its_hash_alone_and_another_kind_of_the_same_value_by_another() -> None:
    lent = scope()
    [user], [customer] = digests(lent, "user", "ada"), digests(lent, "customer", "ada")
    assert user.startswith("user:test:")
    assert "ada" not in user
    assert user.rpartition(":")[2] != customer.rpartition(":")[2]
    assert block_key(user) == f"block:{{{user}}}"


def test_what_it_needs_is_what_check_looks_for() -> None:
    assert needs("user") == (Principal,)
    assert needs("card") == needs("email") == needs("customer") == (Payment,)
    assert needs("ip") == needs(None) == needs("header:x") == ()
