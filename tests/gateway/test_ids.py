from __future__ import annotations

import re

from gateway.ids import payment_id, payment_ids_until, request_id


def test_an_id_has_32_characters_and_no_row_of_digits_that_could_be_a_card_number() -> None:
    assert re.fullmatch(r"[a-z]{20}[0-9a-f]{12}", request_id())


def test_ids_are_unique_and_in_the_order_of_arrival() -> None:
    ids = [request_id() for _ in range(1000)]

    assert len(set(ids)) == 1000
    assert sorted(ids) == ids


def test_a_payments_id_has_26_letters_and_begins_with_its_time(monkeypatch) -> None:
    def made(milliseconds: int) -> str:
        monkeypatch.setattr("time.time_ns", lambda: milliseconds * 1_000_000)
        return payment_id()

    now = 1_790_000_000_000
    ids = [made(now + step) for step in (0, 0, 1, 675, 676, 456_975, 456_976, 456_977, 676**3, 10**11)]

    assert all(re.fullmatch(r"[a-z]{26}", each) for each in ids)
    assert sorted(set(ids)) == ids


def test_all_ids_until_a_time_are_less_than_what_says_so(monkeypatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_790_000_000_123_999_999)

    assert payment_ids_until(1_790_000_000.123) > payment_id() > payment_ids_until(1_790_000_000.122)
