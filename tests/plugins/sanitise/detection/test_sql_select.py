from __future__ import annotations

import pytest

from plugins.sanitise.detection.sql_select import select
from plugins.sanitise.detection.sql_tokens import Budget, Tokens


def weight(text: str) -> int:
    return select(Tokens(text, 0, Budget(1000)))


@pytest.mark.parametrize(
    "text", ["* from users", "null,null", "version()", "@@version", "password from app_users", "a from b where c=1", "distinct a from b--", "1 from (select 2)a", "sql_cache @@version"]
)  # fmt: skip
def test_a_list_of_columns_is_one(text) -> None:
    assert weight(text) == 2


@pytest.mark.parametrize(
    "text",
    ["specialty hospital", "one of the two", "items only", "", "a from", "'"],
)
def test_the_rest_of_a_sentence_is_none(text) -> None:
    assert weight(text) == 0


def test_what_may_be_both_is_told_apart() -> None:
    assert (weight("1,2"), weight("2")) == (1, 1)
