from __future__ import annotations

import re

from gateway.ids import request_id


def test_an_id_has_32_characters_and_no_row_of_digits_that_could_be_a_card_number() -> None:
    assert re.fullmatch(r"[a-z]{20}[0-9a-f]{12}", request_id())


def test_ids_are_unique_and_in_the_order_of_arrival() -> None:
    ids = [request_id() for _ in range(1000)]

    assert len(set(ids)) == 1000
    assert sorted(ids) == ids
