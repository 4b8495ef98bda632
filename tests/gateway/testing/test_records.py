from gateway.ledger.records import State
from gateway.testing import record


def test_a_record_is_a_payment_in_doubt_unless_it_is_said_otherwise() -> None:
    assert (record().state, record().amount, record().currency) == (State.IN_DOUBT, 1999, "eur")
    assert record(amount=5).amount == 5
