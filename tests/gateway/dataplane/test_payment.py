from __future__ import annotations

import orjson
import pytest

from gateway.dataplane.payment import PaymentReader
from gateway.errors import Rejected
from gateway.facts import Card, Payment
from gateway.testing import exchange

NUMBER = "4242424242424242"


def reader(**options) -> PaymentReader:
    pointers = {"amount": "/amount", "currency": "/currency"} | options
    return PaymentReader("payment.create", **pointers)


async def read(document, using: PaymentReader) -> Payment:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    made = exchange(body=body, client="203.0.113.7")
    await using.on_request(made)
    return made.require(Payment)


async def refusal(document, using: PaymentReader) -> Rejected:
    with pytest.raises(Rejected) as refused:
        await read(document, using)
    return refused.value


async def test_all_facts_are_read():
    using = reader(
        customer="/customer", email="/contact/email", card="/cards/0/number", hash_card=lambda number: f"#{number}"
    )
    document = {
        "amount": 1999,
        "currency": "EUR",
        "customer": "cus_1",
        "contact": {"email": "a@b.example"},
        "cards": [{"number": "4242 4242-4242 4242"}],
    }
    assert await read(document, using) == Payment(
        operation="payment.create",
        amount=1999,
        currency="eur",
        customer="cus_1",
        email="a@b.example",
        card=Card(f"#{NUMBER}", "424242", "4242"),
        ip="203.0.113.7",
    )


async def test_what_has_no_pointer_is_not_read_and_needs_no_body():
    assert await read(b"not json", PaymentReader("payment.capture")) == Payment("payment.capture", ip="203.0.113.7")


async def test_customer_email_and_card_may_be_missing():
    using = reader(customer="/customer", email="/email", card="/card", hash_card=str)
    payment = await read({"amount": 1, "currency": "eur", "customer": None}, using)
    assert (payment.customer, payment.email, payment.card) == (None, None, None)


@pytest.mark.parametrize(
    "card",
    ["tok_visa", "", "42424242424", "4" * 20, "４２４２４２４２４２４２４２４２", "٤" * 16, "4242.4242.4242.4242"],
)
async def test_what_is_no_number_is_no_card(card):
    using = reader(card="/card", hash_card=str)
    assert (await read({"amount": 1, "currency": "eur", "card": card}, using)).card is None


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"currency": "eur"}, "/amount"),
        ({"amount": None, "currency": "eur"}, "/amount"),
        ({"amount": -1, "currency": "eur"}, "/amount"),
        ({"amount": 1.5, "currency": "eur"}, "/amount"),
        ({"amount": 1.0, "currency": "eur"}, "/amount"),
        (b'{"amount": 1e2, "currency": "eur"}', "/amount"),
        (b'{"amount": 18446744073709551616, "currency": "eur"}', "/amount"),
        (b'{"amount": 9223372036854775808, "currency": "eur"}', "/amount"),
        ({"amount": "1", "currency": "eur"}, "/amount"),
        ({"amount": True, "currency": "eur"}, "/amount"),
        ({"amount": [1], "currency": "eur"}, "/amount"),
        ({"amount": {}, "currency": "eur"}, "/amount"),
        ({"amount": 1}, "/currency"),
        ({"amount": 1, "currency": None}, "/currency"),
        ({"amount": 1, "currency": "euro"}, "/currency"),
        ({"amount": 1, "currency": "xxx"}, "/currency"),
        ({"amount": 1, "currency": " eur"}, "/currency"),
        ({"amount": 1, "currency": "no\u212a"}, "/currency"),
        ({"amount": 1, "currency": ["eur"]}, "/currency"),
        ({"amount": 1, "currency": "eur", "customer": 7}, "/customer"),
        ({"amount": 1, "currency": "eur", "email": ["a@b"]}, "/email"),
        ({"amount": 1, "currency": "eur", "card": {"number": 4242424242424242}}, "/card/number"),
        ([], "/currency"),
        ("text", "/currency"),
        (None, "/currency"),
    ],
)
async def test_every_refusal_names_its_pointer_and_not_its_value(document, pointer):
    using = reader(customer="/customer", email="/email", card="/card/number", hash_card=str)
    refused = await refusal(document, using)
    assert (refused.status, refused.code) == (422, "invalid_payment")
    assert refused.members == {"pointer": pointer}
    assert "4242" not in refused.detail


@pytest.mark.parametrize("body", [b"", b"{", b"amount=1&currency=eur", b'{"amount": NaN}', b'{"a": "\xff"}', b"{}{}"])
async def test_a_body_that_is_not_json_is_refused(body):
    refused = await refusal(body, reader())
    assert (refused.status, refused.code) == (400, "invalid_json")


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount": 1, "amount": 2, "currency": "eur"}',
        b'{"amount": 1, "amo\\u0075nt": 1, "currency": "eur"}',
        b'{"amount": 1, "currency": "eur", "x": {"y": [{"z": 1, "z": 2}]}}',
        b'{"amount": 1, "currency": "eur", "\\"": 1, "\\u0022": 2}',
        b'{"amount": 1, "currency": "eur", "": 1, "": 2}',
    ],
    ids=["plain", "escaped", "nested", "quote", "empty"],
)
async def test_a_key_twice_has_no_one_meaning(body):
    refused = await refusal(body, reader())
    assert (refused.status, refused.code) == (400, "duplicate_key")


async def test_colons_and_quotes_in_strings_are_no_keys():
    document = {"amount": 1, "currency": "eur", 'a":"b': 'c":{"d":\\', "e\\": ":", "f": ["g:h", {"i": ":"}]}
    assert (await read(document, reader())).amount == 1


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        (b"19.99", "eur", 1999),
        (b'"19.99"', "eur", 1999),
        (b"19.9", "eur", 1990),
        (b'"19.990"', "eur", 1999),
        (b"19", "eur", 1900),
        (b"1e2", "eur", 10000),
        (b"0.29", "eur", 29),
        (b"1.15", "eur", 115),
        (b"500", "jpy", 500),
        (b'"1.234"', "kwd", 1234),
        (b"0", "eur", 0),
        (b"-0.0", "eur", 0),
        (b"999999999999.99", "eur", 99999999999999),
        (b'"90071992547409.91"', "eur", 9007199254740991),
        (b"90071992547409", "eur", 9007199254740900),
    ],
)
async def test_major_units_become_minor_ones(value, currency, minor):
    body = b'{"amount": %b, "currency": "%b"}' % (value, currency.encode())
    assert (await read(body, reader(unit="major"))).amount == minor


@pytest.mark.parametrize(
    "value",
    [
        b"19.999",
        b"-1",
        b'"-0.01"',
        b'"1e2"',
        b'"1e9999999"',
        b'"1e999999999999999999"',
        b'"sNaN"',
        b'"NaN"',
        b'"Infinity"',
        b'"1_000"',
        b'" 1"',
        b'"+1"',
        b'"1,000"',
        b'"1."',
        b'".5"',
        b'"0x10"',
        b'""',
        '"١"'.encode(),
        b"true",
        b"null",
        b"[1]",
        b"1e300",
        b"90071992547409.91",
        b'"99999999999999999999"',
    ],
)
async def test_what_is_no_plain_amount_of_major_units_is_refused(value):
    refused = await refusal(b'{"amount": %b, "currency": "eur"}' % value, reader(unit="major"))
    assert (refused.status, refused.members) == (422, {"pointer": "/amount"})


async def test_a_currency_without_decimals_takes_none():
    assert (await refusal({"amount": 5.5, "currency": "jpy"}, reader(unit="major"))).members == {"pointer": "/amount"}


async def test_the_rule_of_exponents_is_the_policys():
    body = {"amount": 5, "currency": "isk"}
    assert (await read(body, reader(unit="major"))).amount == 5
    assert (await read(body, reader(unit="major", exponents="stripe"))).amount == 500


async def test_an_amount_that_stripe_would_refuse_is_refused():
    refused = await refusal({"amount": 150, "currency": "isk"}, reader(exponents="stripe"))
    assert refused.members == {"pointer": "/amount"}
    assert (await read({"amount": 150, "currency": "isk"}, reader())).amount == 150


@pytest.mark.parametrize(("amount", "taken"), [(49, False), (50, True), (1000, True), (1001, False)])
async def test_bounds_are_inclusive(amount, taken):
    using = reader(bounds={"eur": (50, 1000)})
    body = {"amount": amount, "currency": "eur"}
    if taken:
        assert (await read(body, using)).amount == amount
    else:
        assert (await refusal(body, using)).members == {"pointer": "/amount"}


async def test_bounds_are_of_their_currency_alone():
    assert (await read({"amount": 1, "currency": "usd"}, reader(bounds={"eur": (50, 1000)}))).amount == 1


@pytest.mark.parametrize("how", ["edit", "replace"])
async def test_what_a_filter_above_made_of_the_body_is_not_what_is_read(how):
    made = exchange(json={"amount": 100, "currency": "eur"})
    if how == "edit":
        made.request.edit("/amount", 1)
    else:
        made.request.body = b'{"amount": 1}'
    await reader().on_request(made)
    assert made.require(Payment).amount == 100
    assert made.request.json()["amount"] == 1


async def test_an_amount_without_a_currency_is_read_where_the_policy_names_none():
    using = PaymentReader("refund.create", amount="/amount")
    assert await read({"amount": 5}, using) == Payment("refund.create", amount=5, ip="203.0.113.7")


@pytest.mark.parametrize("amount", [4111111111111111, 5555555555554444])
async def test_an_amount_that_may_be_a_card_s_number_is_none(amount):
    with pytest.raises(Rejected) as refused:
        await read({"amount": amount, "currency": "eur"}, reader())
    assert (refused.value.code, refused.value.members) == ("invalid_payment", {"pointer": "/amount"})
    assert str(amount) not in refused.value.detail


async def test_such_an_amount_is_taken_where_the_bounds_of_its_currency_hold_it():
    payment = await read({"amount": 4111111111111111, "currency": "eur"}, reader(bounds={"eur": (0, 2**63 - 1)}))
    assert payment.amount == 4111111111111111
