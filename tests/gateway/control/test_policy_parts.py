from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.control.policy_parts import Name, NotEmpty, PartEntries, PartEntry

ENTRIES: TypeAdapter[tuple[PartEntry, ...]] = TypeAdapter(PartEntries)


@pytest.mark.parametrize(
    ("written", "entry"),
    [
        ("cache", PartEntry(name="cache")),
        ({"cache": None}, PartEntry(name="cache")),
        ({"cache": {"for": "5s"}}, PartEntry(name="cache", options={"for": "5s"})),
        ({"cache": {"for": "5s", "mode": "off"}}, PartEntry(name="cache", mode="off", options={"for": "5s"})),
    ],
)
def test_a_part_is_a_name_or_a_name_with_options_and_its_mode_is_the_cores(written: object, entry: PartEntry) -> None:
    assert ENTRIES.validate_python([written]) == (entry,)


def test_reading_an_entry_leaves_what_was_read_alone() -> None:
    written = {"cache": {"mode": "shadow"}}
    ENTRIES.validate_python([written])
    assert written == {"cache": {"mode": "shadow"}}


@pytest.mark.parametrize("written", [3, None, {}, {"a": {}, "b": {}}, {"cache": 3}, {"cache": {"mode": False}}, ["a"]])
def test_anything_else_is_no_part(written: object) -> None:
    with pytest.raises(ValidationError):
        ENTRIES.validate_python([written])


@pytest.mark.parametrize("name", ["", "-a", "a b", "a" * 65, "ä", 'a"'])
def test_a_name_fits_a_label_of_metrics(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(name)


def test_an_empty_list_is_told_so() -> None:
    with pytest.raises(ValidationError, match="holds nothing; give at least one"):
        TypeAdapter(Annotated[tuple[int, ...], NotEmpty]).validate_python([])
