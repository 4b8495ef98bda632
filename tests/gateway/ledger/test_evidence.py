from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.evidence import OPEN, Verdict, judge
from gateway.ledger.records import SETTLED, Evidence, Record, State
from gateway.testing import record

LEASE_ENDS = 1000.0
LATER = 1031.0


@dataclass(frozen=True)
class Declared:
    linearizable: bool = True
    never_executes_after: float | None = 30.0


RECORD = record(state=State.IN_DOUBT, amount=1000, currency="eur", lease_until=LEASE_ENDS)

FOUND = Evidence("status_url", "succeeded", by_key=True, amount=1000, currency="eur")
REFUSED = Evidence("status_url", "failed", by_key=True)
ABSENT = Evidence("status_url", "absent", by_key=True)
PENDING = Evidence("status_url", "pending", by_key=True)


def verdict(
    *evidence: Evidence, record: Record = RECORD, look_up: Declared | None = None, now: float = LATER
) -> Verdict:
    return judge(record, evidence, look_up=look_up, now=now)


def test_what_was_found_under_our_key_with_the_same_money_has_succeeded() -> None:
    assert verdict(FOUND) == Verdict(State.SUCCEEDED, "confirmed", "status_url")


def test_a_payment_that_somebody_who_knows_calls_failed_has_failed() -> None:
    assert verdict(REFUSED) == Verdict(State.FAILED, "confirmed", "status_url")


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (replace(FOUND, by_key=False), "not_by_key"),
        (replace(REFUSED, by_key=False), "not_by_key"),
        (replace(PENDING, by_key=False), "not_by_key"),
        (replace(FOUND, amount=None), "amount_unknown"),
        (replace(FOUND, currency=None), "amount_unknown"),
        (Evidence("status_url", "unknown", by_key=True), "nobody_knows"),
        (ABSENT, "absence_proves_nothing"),
    ],
)
def test_what_proves_nothing_leaves_the_payment_where_it_is(evidence: Evidence, reason: str) -> None:
    assert verdict(evidence) == Verdict(None, reason)


def test_a_record_without_an_amount_asks_for_none() -> None:
    record = replace(RECORD, amount=None, currency=None)

    assert verdict(replace(FOUND, amount=None, currency=None), record=record).state is State.SUCCEEDED


@pytest.mark.parametrize(
    ("money", "reason"), [({"amount": 999}, "amount_differs"), ({"currency": "usd"}, "currency_differs")]
)
@pytest.mark.parametrize("said", ["succeeded", "failed", "pending"])
def test_other_money_under_our_key_is_for_a_human(said, money, reason) -> None:
    found = replace(FOUND, verdict=said, **money)

    assert verdict(found) == Verdict(State.UNRESOLVED, reason, conflict=True)


def test_absence_counts_once_nothing_that_was_sent_can_be_executed_any_more() -> None:
    assert verdict(ABSENT, look_up=Declared(), now=LEASE_ENDS + 30) == Verdict(
        State.FAILED, "not_executed", "status_url"
    )
    early = verdict(ABSENT, look_up=Declared(), now=LEASE_ENDS + 29)
    assert (early.state, early.reason, early.wait) == (None, "absent_too_early", 1.0)


@pytest.mark.parametrize(
    "look_up", [None, Declared(linearizable=False), Declared(never_executes_after=None)], ids=["none", "lin", "after"]
)
def test_absence_is_nothing_where_the_upstream_does_not_declare_what_it_means(look_up) -> None:
    assert verdict(ABSENT, look_up=look_up, now=1e9) == Verdict(None, "absence_proves_nothing")


def test_absence_that_was_not_looked_up_by_our_key_is_nothing() -> None:
    assert verdict(replace(ABSENT, by_key=False), look_up=Declared()).state is None


def test_absence_does_not_end_what_the_upstream_has_taken() -> None:
    pending = replace(RECORD, state=State.PENDING)

    assert verdict(ABSENT, record=pending, look_up=Declared()) == Verdict(
        State.UNRESOLVED, "evidence_conflicts", conflict=True
    )


@pytest.mark.parametrize(
    "pair", [(FOUND, REFUSED), (FOUND, ABSENT), (PENDING, ABSENT), (replace(FOUND, amount=None), REFUSED)]
)
def test_evidence_that_contradicts_itself_is_for_a_human(pair) -> None:
    assert verdict(*pair, look_up=Declared()) == Verdict(State.UNRESOLVED, "evidence_conflicts", conflict=True)


def test_a_hint_of_a_payment_is_enough_to_doubt_its_absence() -> None:
    hint = replace(FOUND, by_key=False, resolver="search")

    assert verdict(hint, ABSENT, look_up=Declared()).reason == "evidence_conflicts"


def test_what_is_still_under_way_is_pending_until_somebody_says_more() -> None:
    assert verdict(PENDING) == Verdict(State.PENDING, "still_pending", "status_url")
    assert verdict(PENDING, replace(FOUND, resolver="psp")).state is State.SUCCEEDED
    assert verdict(PENDING, REFUSED).state is State.FAILED


@pytest.mark.parametrize(
    ("state", "evidence", "contradicts"),
    [
        (State.SUCCEEDED, FOUND, False),
        (State.SUCCEEDED, REFUSED, True),
        (State.SUCCEEDED, replace(FOUND, amount=999), True),
        (State.SUCCEEDED, ABSENT, False),
        (State.FAILED, REFUSED, False),
        (State.FAILED, FOUND, True),
        (State.FAILED, replace(FOUND, by_key=False), False),
        (State.RELEASED, PENDING, True),
    ],
)
def test_a_settled_payment_stays_as_it_is_and_a_contradiction_is_reported(state, evidence, contradicts) -> None:
    settled = replace(RECORD, state=state)

    assert verdict(evidence, record=settled, look_up=Declared()) == Verdict(None, "settled", conflict=contradicts)


@pytest.mark.parametrize("state", [State.RESERVED, State.ACCEPTED, State.HELD])
def test_what_was_never_sent_is_not_settled_by_evidence(state) -> None:
    assert verdict(FOUND, record=replace(RECORD, state=state)) == Verdict(None, "never_sent")


MONEY = st.sampled_from([None, 999, 1000])
CURRENCY = st.sampled_from([None, "eur", "usd"])
EVIDENCE = st.builds(
    Evidence,
    resolver=st.sampled_from(["status_url", "replay", "psp"]),
    verdict=st.sampled_from(["succeeded", "failed", "pending", "absent", "unknown"]),
    by_key=st.booleans(),
    amount=MONEY,
    currency=CURRENCY,
)
LOOK_UPS = st.one_of(
    st.none(), st.builds(Declared, linearizable=st.booleans(), never_executes_after=st.sampled_from([None, 0.0, 30.0]))
)
RECORDS = st.builds(
    lambda state, amount, currency, lease: replace(
        RECORD, state=state, amount=amount, currency=currency, lease_until=lease
    ),
    st.sampled_from(State),
    MONEY,
    CURRENCY,
    st.sampled_from([None, LEASE_ENDS]),
)
CASES = {
    "record": RECORDS,
    "evidence": st.lists(EVIDENCE, max_size=4),
    "look_up": LOOK_UPS,
    "now": st.sampled_from([LEASE_ENDS - 1, LEASE_ENDS, LEASE_ENDS + 29, LEASE_ENDS + 30, LEASE_ENDS + 1e6]),
}


@given(**CASES)
def test_nothing_is_called_succeeded_unless_all_of_it_was_found_by_our_key(record, evidence, look_up, now) -> None:
    if judge(record, evidence, look_up=look_up, now=now).state is State.SUCCEEDED:
        assert any(
            each.verdict == "succeeded"
            and each.by_key
            and record.amount in (None, each.amount)
            and record.currency in (None, each.currency)
            for each in evidence
        )
        assert not any(each.verdict == "failed" and each.by_key for each in evidence)


@given(**CASES)
def test_nothing_is_called_failed_without_a_word_or_a_declared_miss_of_our_key(record, evidence, look_up, now) -> None:
    judged = judge(record, evidence, look_up=look_up, now=now)
    if judged.state is State.FAILED:
        refused = any(each.verdict == "failed" and each.by_key for each in evidence)
        missed = any(each.verdict == "absent" and each.by_key for each in evidence)
        assert refused or missed
        if not refused:
            assert judged.reason == "not_executed"
            assert look_up is not None
            assert look_up.linearizable
            assert now >= record.lease_until + look_up.never_executes_after
            assert not any(each.verdict in ("succeeded", "pending") for each in evidence)


@given(**CASES, random=st.randoms())
def test_the_order_of_evidence_does_not_matter(record, evidence, look_up, now, random) -> None:
    shuffled = random.sample(evidence, len(evidence))

    assert judge(record, shuffled, look_up=look_up, now=now) == judge(record, evidence, look_up=look_up, now=now)


@given(**CASES)
def test_only_what_is_open_and_was_sent_goes_anywhere(record, evidence, look_up, now) -> None:
    state = judge(record, evidence, look_up=look_up, now=now).state

    assert state in {None, State.SUCCEEDED, State.FAILED, State.PENDING, State.UNRESOLVED}
    assert state is None or record.state in OPEN
    assert not OPEN & SETTLED
