from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway import Record, Rejected, State
from plugins.idempotency import problems
from plugins.idempotency.problems import Repeated

PAGE = (Path(__file__).parents[3] / "docs" / "idempotency.md").read_text()


def told() -> dict[str, int]:
    classes = [each for each in vars(problems).values() if isinstance(each, type)]
    return {each.code: each.status for each in classes if each not in (Rejected, Repeated, Record)}


@pytest.mark.parametrize(
    "kind",
    [problems.InProgress, problems.PaymentInDoubt, problems.AnswerUnavailable, problems.FingerprintUnavailable],
)
def test_a_repeat_that_is_refused_is_told_which_payment_it_is_and_where_to_ask(record, kind) -> None:
    error = kind(record(state=State.SENT))

    assert error.status == 409
    assert error.members == {"payment_id": "abc", "state": "sent"}
    assert error.headers["location"] == "/.payguard/payments/abc"


def test_who_comes_too_early_is_told_when_to_come_again(record) -> None:
    assert problems.InProgress(record()).headers["retry-after"] == "1"
    assert problems.StripeKeyInUse(record()).headers["retry-after"] == "1"


def test_who_is_in_doubt_is_told_to_keep_the_key(record) -> None:
    assert "Keep this key and do not use a new one" in problems.PaymentInDoubt(record()).detail


def test_who_sent_no_key_is_told_what_to_send_if_both_are_meant(record) -> None:
    assert "send this one with x-token" in problems.PossibleDuplicate(record(), "x-token").detail


def test_the_page_for_clients_has_each_status_and_code_and_no_other_of_ours() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", PAGE, re.MULTILINE)
    elsewhere = {"ledger_unavailable"}

    assert {code: int(status) for status, code in rows if code not in elsewhere} == told()
