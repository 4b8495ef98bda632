from __future__ import annotations

import pyarrow as pa
import pytest
from pyarrow import parquet

from plugins.fraud.offline.history import History, HistoryError, labelled, labels_of

HEAD = "id,at,amount,currency,customer,email,fraud,declined"


def written(tmp_path, *lines: str, head: str = HEAD):
    path = tmp_path / "history.csv"
    path.write_text("\n".join([head, *lines]) + "\n")
    return path


def refusal(path, **of) -> str:
    with pytest.raises(HistoryError) as refused:
        list(History(path, **of))
    return str(refused.value)


def test_columns_are_fields_by_their_names_or_as_one_is_told(tmp_path) -> None:
    path = written(tmp_path, "2026-01-01T00:00:00Z,1250,EUR,7", head="when,cents,currency,customer")
    row = next(iter(History(path, {"at": "when", "amount": "cents"})))

    assert (row.event.id, row.event.at, row.event.amount, row.event.currency) == ("1", 1767225600, 1250, "eur")
    assert row.fraud is row.declined is row.event.email is row.event.mail is None


def test_keys_are_digests_and_aliases_of_an_address_are_one(tmp_path) -> None:
    path = written(tmp_path, "a,1,100,eur,jo,j.o@gmail.com,0,1", "b,1,100,eur,jo,jo+x@googlemail.com,1,0")
    one, other = History(path)

    assert one.event.customer == other.event.customer != "jo"
    assert one.event.email == other.event.email
    assert (one.fraud, one.declined, other.fraud, other.declined) == (False, True, True, False)
    assert (one.event.mail.free, one.event.mail.tagged) == (1, 1)


def test_parquet_says_the_same_as_csv(tmp_path) -> None:
    path = tmp_path / "history.parquet"
    columns = {
        "id": ["a", "b"],
        "at": [1, 2],
        "amount": [100, None],
        "currency": ["eur", "eur"],
        "customer": ["jo", None],
    }
    parquet.write_table(pa.table(columns), path)

    assert list(History(path)) == list(History(written(tmp_path, "a,1,100,eur,jo,,,", "b,2,,eur,,,,")))


def test_decimals_are_amounts_only_where_one_says_so(tmp_path) -> None:
    path = written(tmp_path, "a,1,12.5,eur,jo,,,")

    assert "row 1: the amount '12.5' is not in minor units; with --major" in refusal(path)
    assert next(iter(History(path, major=True))).event.amount == 1250


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "there is no payment in it"),
        (["a,2,1,eur,,,,", "b,1,1,eur,,,,"], "row 2 is earlier than the row before it: sort it by time"),
        (["a,,1,eur,,,,"], "row 1: it has no time"),
        (["a,yesterday,1,eur,,,,"], "row 1: Invalid isoformat string"),
        (["a,1,1,eur,,,maybe,"], "row 1: 'maybe' is neither 1 nor 0"),
        (["a,1,inf,eur,,,,"], "row 1: the amount 'inf' is not in minor units"),
        (["a,nan,1,eur,,,,"], "row 1: the time 'nan' is not in seconds since 1970"),
        (["a,1767225600000,1,eur,,,,"], "row 1: the time '1767225600000' is not in seconds since 1970"),
        (["a,-5,1,eur,,,,"], "row 1: the time '-5' is not in seconds since 1970"),
    ],
)
def test_a_history_that_cannot_be_used_says_why(tmp_path, lines, message) -> None:
    assert message in refusal(written(tmp_path, *lines))


def test_a_column_that_is_missing_is_named(tmp_path) -> None:
    path = written(tmp_path, "a,1", head="id,when")

    assert refusal(path).endswith("no column is the field 'at': name one with --column at=NAME")
    assert "there is no column 'whn'; did you mean 'when'" in refusal(path, columns={"at": "whn"})
    assert "there is no field 'amuont'; did you mean 'amount'" in refusal(path, columns={"amuont": "id"})
    with pytest.raises(HistoryError, match="no column is the field 'fraud'"):
        History(path, {"at": "when"}).require("fraud")


def test_a_file_that_is_none_is_said(tmp_path) -> None:
    path = tmp_path / "history.parquet"
    path.write_text("no parquet")

    assert "cannot be read" in refusal(path)


def test_a_row_that_is_no_text_is_said(tmp_path) -> None:
    path = written(tmp_path, *[f"a,{number},1,eur,,,0," for number in range(1_000)])
    path.write_bytes(path.read_bytes() + b"b,1000,1,eur,\xff,,0,\n")

    assert "history.csv cannot be read: " in refusal(path)


def test_a_spreadsheets_mark_is_no_part_of_a_name(tmp_path) -> None:
    path = written(tmp_path, "a,1,1,eur,,,,")
    path.write_text(path.read_text(), encoding="utf-8-sig")

    assert next(iter(History(path))).event.id == "a"


def test_how_many_rows_come_is_known_before(tmp_path) -> None:
    columns, path = tmp_path / "columns.parquet", written(tmp_path, *[f"a,{number},,,,,," for number in range(7)])
    parquet.write_table(pa.table({"at": range(7)}), columns)

    assert History(path).count() == History(columns).count() == 7


def test_labels_of_another_history_are_refused(tmp_path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("id,fraud\nz,1\n")

    with pytest.raises(HistoryError, match="none of the labels is of a payment of the history: no id is 'z'"):
        list(labelled(History(written(tmp_path, "a,1,1,eur,,,,")), labels_of(labels)))


def test_a_label_that_says_nothing_is_named_with_its_row(tmp_path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("id,fraud\na,1\nb,maybe\n")

    with pytest.raises(HistoryError, match="row 2: 'maybe' is neither 1 nor 0"):
        labels_of(labels)


def test_labels_of_their_own_take_the_place_of_those_in_the_history(tmp_path) -> None:
    history = History(written(tmp_path, "a,1,1,eur,,,0,", "b,2,1,eur,,,1,"))
    labels = tmp_path / "labels.csv"
    labels.write_text("payment,fraud,labelled_at\na,1,1970-01-02\nb,,\n")

    one, other = labelled(history, labels_of(labels, {"id": "payment"}))

    assert (one.fraud, one.labelled_at) == (True, 86400)
    assert (other.fraud, other.labelled_at) == (True, None)
