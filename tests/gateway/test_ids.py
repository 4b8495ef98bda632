from __future__ import annotations

import re

from gateway.ids import request_id


def test_an_id_is_32_hexadecimal_digits() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", request_id())


def test_ids_are_unique_and_in_the_order_of_arrival() -> None:
    ids = [request_id() for _ in range(1000)]

    assert len(set(ids)) == 1000
    assert sorted(ids) == ids
