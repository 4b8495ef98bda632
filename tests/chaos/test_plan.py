from __future__ import annotations

from itertools import islice

from chaos.plan import Fault, Kind, Plan, Trouble, possible, stretches


def test_a_seed_says_everything() -> None:
    one, same, other = Plan(1), Plan(1), Plan(2)

    assert [one.payment(n) for n in range(50)] == [same.payment(n) for n in range(50)]
    assert [one.payment(n) for n in range(50)] != [other.payment(n) for n in range(50)]


def test_a_payment_is_found_by_its_reference() -> None:
    assert Plan(3).of(Plan(3).payment(41).reference) == Plan(3).payment(41)


def test_every_fault_that_is_possible_is_drawn_for_every_kind() -> None:
    drawn = {(each.kind, each.fault) for each in map(Plan(1).payment, range(20_000))}

    assert drawn == {(kind, fault) for kind in Kind for fault in Fault if possible(fault, kind)}


def test_the_first_payments_are_clean() -> None:
    plan = Plan(1, clean=100)

    assert {plan.payment(n).fault for n in range(100)} == {Fault.NONE}
    assert {plan.payment(n).fault for n in range(100, 300)} > {Fault.NONE}


def test_a_plan_may_be_narrowed() -> None:
    plan = Plan(1, faults=(Fault.HANG, Fault.OTHER_AMOUNT), kinds=(Kind.DEDUPLICATING,))

    assert {(each.kind, each.fault) for each in map(plan.payment, range(50))} == {(Kind.DEDUPLICATING, Fault.HANG)}


def test_two_owners_choose_the_same_key_now_and_then() -> None:
    owners = {(each.key, each.owner) for each in map(Plan(1).payment, range(50))}

    assert {("1-0", "user0"), ("1-0", "user1")} <= owners
    assert len(owners) == 50


def test_every_round_meets_every_trouble_once_and_kills_as_often_as_is_said() -> None:
    troubles = (Trouble.NONE, Trouble.KILL, Trouble.STOP)

    made = list(islice(stretches(1, troubles, each=50, kills=7), 9))

    assert [{each.trouble for each in made[at : at + 3]} for at in (0, 3, 6)] == [set(troubles)] * 3
    assert {each.events for each in made if each.trouble is Trouble.KILL} == {7}
    assert {each.events for each in made if each.trouble is Trouble.NONE} == {0}
    assert made == list(islice(stretches(1, troubles, each=50, kills=7), 9))
