from __future__ import annotations

import pytest

from plugins.sanitise.detection.screen import joined, screen
from plugins.sanitise.detection.sql_words import TRIGGER

MATCH = screen((TRIGGER,))


@pytest.mark.parametrize(
    "text",
    ["' or 1=1", "1/**/or 1=1", "union select", "; drop table a", "or 1=1", "a' -- ", "1 order by 2", "sleep (1)"],
)
def test_what_may_change_a_query_is_worth_reading(text) -> None:
    assert MATCH(joined([text])) is not None


@pytest.mark.parametrize(
    "text", ["O'Brien", "Ada Lovelace", "a; b; c", "black and white", "4242424242424242", "it's the boys' turn"]
)
def test_what_customers_write_every_day_is_not(text) -> None:
    assert MATCH(joined([text])) is None
