"""What the text of a statement says of the rows that it returns."""

from __future__ import annotations

import pytest

from gateway.database.statement import changes, returned, tells_itself


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE things SET amount = $2 WHERE id = $1 RETURNING $1",
        "UPDATE things SET amount = $2 WHERE amount > 3\nAND id=$1\nRETURNING id\n",
        "UPDATE things SET amount = $2 WHERE id = $1 RETURNING id, amount",
        "DELETE FROM things WHERE id IN (SELECT id FROM things LIMIT $2) RETURNING CAST($1 AS TEXT), id",
        "\nINSERT INTO things (id, amount)\nVALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id",
    ],
)
def test_one_whose_rows_begin_with_its_first_value_tells_itself(statement) -> None:
    assert tells_itself(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE things SET amount = $2 WHERE id = $1",
        "UPDATE things SET amount = $2 WHERE id = $1 RETURNING amount",
        "UPDATE things SET amount = $2 WHERE id = $12 RETURNING id",
        "UPDATE things SET amount = $2 WHERE other_id = $1 RETURNING id",
        "UPDATE things SET amount = $2 FROM others b WHERE b.id = $1 RETURNING id",
        "UPDATE things SET amount = 2 WHERE amount = $1 RETURNING $12, id",
        "INSERT INTO things (amount, id) VALUES ($1, $2) RETURNING id",
        "SELECT id FROM things WHERE id = $1",
    ],
)
def test_another_does_not(statement) -> None:
    assert not tells_itself(statement)


def test_what_is_returned_stands_behind_the_last_word_of_it() -> None:
    assert returned("DELETE FROM a WHERE b = 'RETURNING ' RETURNING id, b\n") == "id, b"
    assert returned("DELETE FROM a") is None


def test_what_changes_begins_with_what_it_does() -> None:
    assert changes("\n UPDATE a SET b = 1")
    assert not changes("WITH c AS (SELECT 1) UPDATE a SET b = 1")
    assert not changes("SELECT 1")
