import pytest

from gateway import Payment, Rejected
from gateway.control.payments import payment_reader, unknown_currencies
from gateway.control.policy import PaymentEntry
from gateway.crypto.salts import Salts
from gateway.testing import exchange

SALTS = Salts.parse("00" * 16)


def entry(**given: object) -> PaymentEntry:
    facts = {"operation": "payment.create", "amount": "/amount", "currency": "/currency"}
    return PaymentEntry.model_validate(facts | given)


async def read(entry: PaymentEntry, **order: object) -> Payment:
    made = exchange(json={"amount": 999, "currency": "eur"} | order)
    await payment_reader(entry, SALTS).on_request(made)
    return made.require(Payment)


async def test_facts_are_read_from_where_the_route_says() -> None:
    found = await read(
        entry(customer="/who", email="/mail", card="/card/number", unit="major"),
        amount="9.99",
        who="cus_1",
        mail="a@b.example",
        card={"number": "4242 4242 4242 4242"},
    )
    assert (found.operation, found.amount, found.currency) == ("payment.create", 999, "eur")
    assert (found.customer, found.email) == ("cus_1", "a@b.example")
    assert found.card is not None
    assert found.card.hash == SALTS.hash("card", "4242424242424242")


async def test_whose_rule_of_exponents_counts_is_the_routes_to_say() -> None:
    isk = {"amount": "5", "currency": "isk"}
    assert (await read(entry(unit="major", exponents="iso4217"), **isk)).amount == 5
    assert (await read(entry(unit="major", exponents="stripe"), **isk)).amount == 500


async def test_a_limit_that_is_left_out_is_none() -> None:
    most = entry(bounds={"eur": {"most": 100}})
    assert (await read(most, amount=0)).amount == 0
    with pytest.raises(Rejected):
        await read(most, amount=101)
    least = entry(bounds={"eur": {"least": 50}})
    assert (await read(least, amount=10**12)).amount == 10**12
    with pytest.raises(Rejected):
        await read(least, amount=49)


def test_bounds_in_a_currency_that_does_not_exist_are_found() -> None:
    assert list(unknown_currencies(entry(bounds={"eur": {}, "xqx": {}, "usd": {}}))) == ["xqx"]
