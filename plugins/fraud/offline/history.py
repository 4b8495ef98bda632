"""Histories: payments from a CSV or Parquet file, in the order of their time."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2s
from pathlib import Path
from typing import Any, NamedTuple, cast

from gateway import did_you_mean, minor_units
from plugins.fraud.emails import judge, mailbox
from plugins.fraud.event import KINDS, Event

FIELDS = ("id", "at", "amount", "currency", *KINDS, "account_created_at", "country", "card_country", "declined",
          "fraud", "labelled_at")  # fmt: skip
"""What a column can be.  A column of the same name is taken without being told."""

ENCODING = "utf-8-sig"
"""With the mark that spreadsheets begin a file with, or without."""

LATEST = 1e11
"""Seconds, in the year 5138: a time beyond is one of milliseconds."""

_TRUE = frozenset({"1", "1.0", "true", "yes", "y", "t", "fraud"})
_FALSE = frozenset({"0", "0.0", "false", "no", "n", "f", "legitimate"})


class HistoryError(ValueError):
    """A history that cannot be used: says which file, which row, and why."""


class Row(NamedTuple):
    """One payment of a history, and what is known of it by now."""

    event: Event
    declined: bool | None
    """What the bank said; None where the history does not say."""
    fraud: bool | None
    """None where nobody said, which is legitimate once the label is due."""
    labelled_at: float | None
    """When that was known; None: when the label was due."""


class History:
    """The rows of a file.  It is read as it is gone through, and can be gone through again.

    ``columns`` says which column a field is in, where it is not called as the field.  HistoryError where a column is
    missing, where there is no row, or where one is earlier than the row before it.
    """

    def __init__(self, path: Path, columns: Mapping[str, str] | None = None, *, major: bool = False) -> None:
        self.path, self._major = path, major
        names = column_names(path)
        self._columns = _mapped(path, names, columns or {})
        self.fields = frozenset(self._columns)

    def count(self) -> int:
        """How many rows it has; of CSV, how many lines, which are more where values have lines in them."""
        if self.path.suffix == ".parquet":
            return int(_parquet().ParquetFile(self.path).metadata.num_rows)
        with self.path.open("rb") as file:
            return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b"")) - 1

    def __iter__(self) -> Iterator[Row]:
        last, number = float("-inf"), 0
        for number, record in enumerate(_records(self.path), 1):
            row = self._row(number, record)
            if row.event.at < last:
                raise HistoryError(f"{self.path}: row {number} is earlier than the row before it: sort it by time")
            last = row.event.at
            yield row
        if not number:
            raise HistoryError(f"{self.path}: there is no payment in it")

    def require(self, *fields: str) -> None:
        """HistoryError where there is no column for one of them."""
        for field in fields:
            if field not in self.fields:
                raise _missing(self.path, field)

    def _row(self, number: int, record: Mapping[str, Any]) -> Row:
        values = {field: _filled(record[column]) for field, column in self._columns.items()}
        try:
            return _read(number, values, major=self._major)
        except ValueError as error:
            raise HistoryError(f"{self.path}: row {number}: {error}") from error


def column_names(path: Path) -> list[str]:
    """Those of a file.  HistoryError where it cannot be read."""
    try:
        if path.suffix == ".parquet":
            return list(_parquet().ParquetFile(path).schema_arrow.names)
        with path.open(newline="", encoding=ENCODING) as file:
            return next(csv.reader(file), [])
    except (OSError, ValueError, csv.Error) as error:
        raise _unreadable(path, error) from error


def labels_of(path: Path, columns: Mapping[str, str] | None = None) -> dict[str, tuple[bool, float | None]]:
    """Labels from a file of their own, by the payment's id: columns `id`, `fraud` and, if there, `labelled_at`."""
    found = _mapped(path, column_names(path), columns or {}, required=("id", "fraud"))
    labels = {}
    for number, record in enumerate(_records(path), 1):
        said = {field: _filled(record[column]) for field, column in found.items()}
        try:
            fraud, at = _flag(said["fraud"]), said.get("labelled_at")
            if fraud is not None:
                labels[str(said["id"])] = fraud, None if at is None else _time(at)
        except ValueError as error:
            raise HistoryError(f"{path}: row {number}: {error}") from error
    return labels


def labelled(rows: Iterable[Row], labels: Mapping[str, tuple[bool, float | None]]) -> Iterator[Row]:
    """The rows, with what the labels say of them in place of what they say themselves.

    HistoryError where they speak of no row at all: they are then another history's.
    """
    found = False
    for row in rows:
        said = labels.get(row.event.id)
        found = found or said is not None
        yield row if said is None else row._replace(fraud=said[0], labelled_at=said[1])
    if labels and not found:
        raise HistoryError(f"none of the labels is of a payment of the history: no id is {next(iter(labels))!r}")


def _mapped(
    path: Path, names: list[str], columns: Mapping[str, str], required: tuple[str, ...] = ("at",)
) -> dict[str, str]:
    for field, column in columns.items():
        if field not in FIELDS:
            raise HistoryError(f"there is no field {field!r}{did_you_mean(field, FIELDS)}")
        if column not in names:
            raise HistoryError(f"{path}: there is no column {column!r}{did_you_mean(column, names)}")
    found = {field: columns.get(field, field) for field in FIELDS if field in columns or field in names}
    for field in required:
        if field not in found:
            raise _missing(path, field)
    return found


def _missing(path: Path, field: str) -> HistoryError:
    return HistoryError(f"{path}: no column is the field {field!r}: name one with --column {field}=NAME")


def _records(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        if path.suffix == ".parquet":
            for batch in _parquet().ParquetFile(path).iter_batches(batch_size=10_000):
                yield from batch.to_pylist()
            return
        with path.open(newline="", encoding=ENCODING) as file:
            yield from csv.DictReader(file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> HistoryError:
    return HistoryError(f"{path} cannot be read: {error}")


def _parquet() -> Any:
    try:
        from pyarrow import parquet  # noqa: PLC0415 - of the extra payguard[train]
    except ImportError as error:
        raise HistoryError("reading Parquet needs pip install 'payguard[train]'; CSV needs nothing") from error
    return parquet


def _filled(value: Any) -> Any:
    return None if value is None or value == "" or value != value else value  # noqa: PLR0124 - a NaN is no value


def _read(number: int, values: Mapping[str, Any], *, major: bool) -> Row:
    get = values.get
    currency = _lower(get("currency"))
    event = Event(
        id=str(number) if get("id") is None else str(get("id")),
        at=_time(get("at")),
        amount=None if get("amount") is None else _amount(get("amount"), currency, major=major),
        currency=currency,
        **cast("dict[str, Any]", {kind: _key(kind, get(kind)) for kind in KINDS}),
        account_created_at=None if get("account_created_at") is None else _time(get("account_created_at")),
        country=_lower(get("country")),
        card_country=_lower(get("card_country")),
        mail=None if get("email") is None else judge(str(get("email"))),
    )
    said = get("labelled_at")
    return Row(event, _flag(get("declined")), _flag(get("fraud")), None if said is None else _time(said))


def _lower(value: Any) -> str | None:
    return None if value is None else str(value).lower()


def _amount(value: Any, currency: str | None, *, major: bool) -> int:
    if major:
        return minor_units(value if isinstance(value, str) else repr(value), currency or "usd", "major")
    try:
        amount = float(value)
    except ValueError:
        amount = 0.5
    if not amount.is_integer():
        raise ValueError(f"the amount {value!r} is not in minor units; with --major, amounts are decimals")
    return int(amount)


def _time(value: Any) -> float:
    """Seconds since the epoch, as a number or as a date of ISO 8601 (UTC where it names no zone)."""
    if value is None:
        raise ValueError("it has no time")
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    try:
        at = float(value)
    except ValueError:
        return _time(datetime.fromisoformat(str(value)))
    if not 0.0 <= at < LATEST:
        raise ValueError(f"the time {value!r} is not in seconds since 1970")
    return at


def _flag(value: Any) -> bool | None:
    if value is None:
        return None
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"{value!r} is neither 1 nor 0")


def _key(kind: str, value: Any) -> str | None:
    return None if value is None else _digest(kind, str(value))


@lru_cache(maxsize=200_000)
def _digest(kind: str, value: str) -> str:
    """Equal for equal values; of an e-mail address, for all aliases of one mailbox."""
    known: Callable[[str], str] = mailbox if kind == "email" else str
    return blake2s(f"{kind}:{known(value)}".encode(), digest_size=8).hexdigest()
